"""web: the pages that people see. A client of the gateway's API like any other, without a store.

Owns:      templates, words in three languages, assets; no data.
Publishes: nothing.
Hears:     nothing.
"""
