"""Owns venues, rooms, bookings and visit counts; publishes them and sealed contacts.

Hears organisations (directory), and the rooms that events ask for and give back (events).
"""
