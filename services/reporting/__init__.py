"""Reporting owns what a year amounts to: facts kept from every topic, figures told from them.

It hears organisations, rooms, bookings, visits, the programme, events and registrations, and
publishes nothing yet. Every figure can list the messages it rests on.
"""
