"""Reporting owns what a year amounts to: facts kept from every topic, figures told from them.

It hears organisations, rooms, bookings, visits, the programme, events, registrations, released
results of surveys, and quotes, which it keeps only until they are withdrawn. Every figure can list
the messages it rests on. Once a year is closed it publishes the figures, and amends them visibly
when a fact comes late; it hears what it published itself, so that a new store knows it too.
"""
