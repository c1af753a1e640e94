"""The making of a mail: dates, wording, calendar, headers, and the way it goes."""
