"""Use cases of directory: organisations are registered and changed, residencies begin and end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from services.directory.models import Organisation, Residency
from services.directory.rules import (
    AlreadyResident,
    City,
    Dissolved,
    OrganisationUnknown,
    first_day,
    last_day,
)
from shared.contracts.directory import (
    OrganisationChanged,
    OrganisationDescription,
    OrganisationDissolved,
    OrganisationRegistered,
    ResidencyBegan,
    ResidencyEnded,
)
from shared.contracts.words import OrganisationKind, Sector
from shared.ids import new_id
from shared.store import Work


@dataclass(frozen=True)
class RegisterOrganisation:
    """Make an organisation known; `resident`: from today, from a day, or not at all."""

    name: str
    kind: OrganisationKind
    sector: Sector | None
    resident: bool | date
    unlisted: bool


async def register_organisation(work: Work, command: RegisterOrganisation) -> Organisation:
    """Add the organisation, and its residency where it has one."""
    organisation = Organisation(
        id=new_id(),
        name=command.name,
        kind=command.kind,
        sector=command.sector,
        listed=not command.unlisted,
        dissolved_on=None,
        revision=1,
        changed_at=work.now,
    )
    work.add(organisation)
    await work.flush()
    work.publish(_described(OrganisationRegistered, organisation), sequence=1)
    began_on = first_day(command.resident, work.need(City).today(work.now))
    if began_on is not None:
        _revise(work, organisation)
        _begin_residency(work, organisation, began_on)
    return organisation


@dataclass(frozen=True)
class ChangeOrganisation:
    """Change what `fields` names; `unchanged` raises where the caller read another revision."""

    organisation_id: str
    fields: dict[str, Any]
    """Any of name, kind, sector, unlisted."""
    resident: bool | date | None
    unchanged: Callable[[int], None]


async def change_organisation(work: Work, command: ChangeOrganisation) -> Organisation:
    """Change an organisation under its lock; tell only what is other than before."""
    organisation = await _locked(work, command.organisation_id)
    command.unchanged(organisation.revision)
    _must_exist(organisation)
    fields = dict(command.fields)
    if "unlisted" in fields:
        fields["listed"] = not fields.pop("unlisted")
    changed = {
        name: value for name, value in fields.items() if getattr(organisation, name) != value
    }
    if changed:
        for name, value in changed.items():
            setattr(organisation, name, value)
        _revise(work, organisation)
        work.publish(_described(OrganisationChanged, organisation), sequence=organisation.revision)
    if command.resident is not None:
        await _change_residency(work, organisation, command.resident)
    return organisation


@dataclass(frozen=True)
class DissolveOrganisation:
    """Say that an organisation no longer exists, from today."""

    organisation_id: str
    unchanged: Callable[[int], None]


async def dissolve_organisation(work: Work, command: DissolveOrganisation) -> Organisation:
    """End its residency, if it has one, then the organisation; raise Dissolved the second time."""
    organisation = await _locked(work, command.organisation_id)
    command.unchanged(organisation.revision)
    _must_exist(organisation)
    await _change_residency(work, organisation, resident=False)
    organisation.dissolved_on = work.need(City).today(work.now)
    _revise(work, organisation)
    work.publish(
        OrganisationDissolved(
            organisation_id=organisation.id, dissolved_on=organisation.dissolved_on
        ),
        sequence=organisation.revision,
    )
    return organisation


def _must_exist(organisation: Organisation) -> None:
    if organisation.dissolved_on is not None:
        raise Dissolved(
            f"It was dissolved on {organisation.dissolved_on}.", since=organisation.dissolved_on
        )


async def _change_residency(work: Work, organisation: Organisation, resident: bool | date) -> None:
    today = work.need(City).today(work.now)
    still_open = (
        select(Residency)
        .where(col(Residency.organisation_id) == organisation.id, col(Residency.ended_on).is_(None))
        .with_for_update()
    )
    residency = (await work.scalars(still_open)).one_or_none()
    began_on = first_day(resident, today)
    if residency is None:
        if began_on is not None:
            _revise(work, organisation)
            _begin_residency(work, organisation, began_on)
    elif began_on is None:
        residency.ended_on = last_day(residency.began_on, today)
        _revise(work, organisation)
        work.publish(
            ResidencyEnded(organisation_id=organisation.id, ended_on=residency.ended_on),
            sequence=organisation.revision,
        )
    elif resident is not True and began_on != residency.began_on:
        raise AlreadyResident(
            f"It is resident since {residency.began_on}.", since=residency.began_on
        )


def _begin_residency(work: Work, organisation: Organisation, began_on: date) -> None:
    work.add(
        Residency(id=new_id(), organisation_id=organisation.id, began_on=began_on, ended_on=None)
    )
    work.publish(
        ResidencyBegan(organisation_id=organisation.id, began_on=began_on),
        sequence=organisation.revision,
    )


async def _locked(work: Work, organisation_id: str) -> Organisation:
    statement = (
        select(Organisation).where(col(Organisation.id) == organisation_id).with_for_update()
    )
    organisation = (await work.scalars(statement)).one_or_none()
    if organisation is None:
        raise OrganisationUnknown("There is no such organisation here.")
    return organisation


def _revise(work: Work, organisation: Organisation) -> None:
    organisation.revision += 1
    organisation.changed_at = work.now


def _described(
    fact: type[OrganisationDescription], organisation: Organisation
) -> OrganisationDescription:
    return fact(
        organisation_id=organisation.id,
        name=organisation.name if organisation.listed else None,
        kind=OrganisationKind(organisation.kind),
        sector=Sector(organisation.sector) if organisation.sector else None,
        listed=organisation.listed,
    )
