"""The pages of those who run the house: what needs them, events, bookings, organisations."""
