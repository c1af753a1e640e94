"""What can be done in events, one module per aggregate."""
