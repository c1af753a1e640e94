"""The words that stand for ever: plain values of the public API and of every message."""

from enum import StrEnum


class EventFormat(StrEnum):
    """What kind of gathering an event is."""

    MALMOTIMMEN = "malmotimmen"
    DIALOGFORUM = "dialogforum"
    LARANDELUNCH = "larandelunch"
    SEMINARIUM = "seminarium"
    WORKSHOP = "workshop"
    KURS = "kurs"
    STUDIEBESOK = "studiebesok"
    KONFERENS = "konferens"
    OVRIGT = "ovrigt"


class Sector(StrEnum):
    """The part of society that somebody takes part for."""

    PUBLIC_OFFICIAL = "public-official"
    POLITICIAN = "politician"
    JOB_SEEKER = "job-seeker"
    ASSOCIATION = "association"
    BUSINESS = "business"
    ACADEMIA = "academia"
    OTHER = "other"


class OrganisationKind(StrEnum):
    """What kind of organisation it is."""

    ASSOCIATION = "association"
    UMBRELLA = "umbrella"
    SOCIAL_ENTERPRISE = "social-enterprise"
    COMPANY = "company"
    MUNICIPALITY = "municipality"
    REGION = "region"
    STATE = "state"
    UNIVERSITY = "university"
    STUDY_ASSOCIATION = "study-association"
    FOUNDATION = "foundation"
    OTHER = "other"


class RegistrationStatus(StrEnum):
    """Where a registration stands."""

    PENDING = "pending"
    APPLIED = "applied"
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    OFFERED = "offered"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    NO_SHOW = "no-show"


class BookingStatus(StrEnum):
    """Where a booking stands."""

    HELD = "held"
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked-in"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NO_SHOW = "no-show"


class SessionMode(StrEnum):
    """Where the people of a session are."""

    ON_SITE = "on-site"
    ONLINE = "online"
    HYBRID = "hybrid"


class PartnerRole(StrEnum):
    """What an organisation does for an event."""

    ORGANISER = "organiser"
    PARTNER = "partner"
    ALLY = "ally"
    PANEL = "panel"


class Admission(StrEnum):
    """How places of an event are given out."""

    FIRST_COME = "first-come"
    APPLICATION = "application"


LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
"""A BCP 47 tag: language, then script, region or variant."""
