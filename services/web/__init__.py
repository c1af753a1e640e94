"""web: the pages that people see. A client of the gateway's API like any other, without a store.

Owns:      templates, words in three languages, assets; no data.
Publishes: nothing.
Hears:     nothing.

Having no store, it has rooms of its own, each importing only what stands below it:

app         wires the pages
pages/      what each address shows and takes: a module or a folder per place
mishaps     the pages for what goes wrong
page        what a page has at hand: language, visitor, form, API, templates
rendering   templates and what they say days, times and numbers with
neighbours  the gateway's API as pages call it; forms: what was typed, and by whom
words       the catalogues; assets: style, script, icon; settings
"""
