"""Booking: rules, handlers, API and messages on both databases."""
