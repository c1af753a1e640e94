"""What notifications does: knows events and rooms, keeps contacts, writes and sends letters."""
