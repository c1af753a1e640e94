"""What events decides over plain values: places, the line, the programme."""
