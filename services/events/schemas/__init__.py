"""The bodies that events takes and the answers it gives."""
