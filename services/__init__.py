"""The services of Andan, each alone with its store, all together over topics.

directory      owns organisations and their residency; publishes them; hears nobody.
booking        owns venues, rooms, bookings and door counts; publishes rooms, bookings, visits and
               sealed contacts; hears organisations, and the rooms that events ask for.
events         owns themes, events, registrations, waiting lists and attendance; publishes them
               without ever saying who, and sealed contacts; hears organisations and bookings.
surveys        owns surveys, ballots, counted answers and quotes, and nothing of who; hears that
               attendance was closed; publishes sealed ballots, and what the release gate lets out.
notifications  owns contacts and deliveries; writes the letters, hands out ballots at random; hears
               registrations, bookings, events, surveys and what is sealed for it; publishes what
               became of its letters.
reporting      owns no fact, only projections; hears everything and tells the figures of a year,
               each with the messages it came from.
gateway        owns API keys, sessions and the feed; the one public address: who calls, how much,
               and where it goes.
web            owns nothing; the pages for people, a client of the gateway like any other.

`topology` is the only module that imports several of them; `commands` is what a person types.
"""
