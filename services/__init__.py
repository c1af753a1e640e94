"""The services of Andan, each alone with its store, all together over topics.

directory      owns organisations and their residency; publishes them; hears nobody.
booking        owns venues, rooms, bookings and door counts; publishes rooms, bookings, visits and
               sealed contacts; hears organisations, and the rooms that events ask for.
events         owns themes, events, registrations, waiting lists and attendance; publishes them
               without ever saying who, and sealed contacts; hears organisations and bookings.
notifications  owns contacts and deliveries; writes the letters; hears registrations, bookings,
               events and the sealed contacts; publishes what became of its letters.
reporting      owns no fact, only projections; hears everything and tells the figures of a year,
               each with the messages it came from.
gateway        owns API keys; the one public address: who calls, how much, and where it goes.

`topology` is the only module that imports several of them; `commands` is what a person types.
"""
