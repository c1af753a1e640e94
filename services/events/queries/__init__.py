"""What can be read of events."""
