"""Organisations that publish official statistics, by the slug that GOV.UK's addresses and calendars
use for them.

The list is only for suggestions: any slug is accepted. A slug cannot be derived from a name, and
changes when a department does. The current one is the last part of
https://www.gov.uk/government/organisations/SLUG.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from schedules.clean import clean_text

Organisations: TypeAlias = Mapping[str, tuple[str, ...]]
"""Slug to name and, if there is one, acronym."""

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
ONS = "office-for-national-statistics"

_TABLE = """
cabinet-office | Cabinet Office
care-quality-commission | Care Quality Commission | CQC
companies-house | Companies House
competition-and-markets-authority | Competition and Markets Authority | CMA
criminal-injuries-compensation-authority | Criminal Injuries Compensation Authority | CICA
crown-prosecution-service | Crown Prosecution Service | CPS
department-for-business-and-trade | Department for Business and Trade | DBT
department-for-culture-media-and-sport | Department for Culture, Media and Sport | DCMS
department-for-education | Department for Education | DfE
department-for-energy-security-and-net-zero | Department for Energy Security and Net Zero | DESNZ
department-for-environment-food-rural-affairs | Department for Environment, Food and Rural Affairs | Defra
department-for-science-innovation-and-technology | Department for Science, Innovation and Technology | DSIT
department-for-transport | Department for Transport | DfT
department-for-work-pensions | Department for Work and Pensions | DWP
department-of-health-and-social-care | Department of Health and Social Care | DHSC
disclosure-and-barring-service | Disclosure and Barring Service | DBS
driver-and-vehicle-licensing-agency | Driver and Vehicle Licensing Agency | DVLA
driver-and-vehicle-standards-agency | Driver and Vehicle Standards Agency | DVSA
environment-agency | Environment Agency
food-standards-agency | Food Standards Agency | FSA
forest-research | Forest Research
foreign-commonwealth-development-office | Foreign, Commonwealth and Development Office | FCDO
gambling-commission | Gambling Commission
health-and-safety-executive | Health and Safety Executive | HSE
hm-courts-and-tribunals-service | HM Courts and Tribunals Service | HMCTS
hm-prison-and-probation-service | HM Prison and Probation Service | HMPPS
hm-revenue-customs | HM Revenue and Customs | HMRC
hm-treasury | HM Treasury | HMT
home-office | Home Office
homes-england | Homes England
insolvency-service | Insolvency Service
intellectual-property-office | Intellectual Property Office | IPO
legal-aid-agency | Legal Aid Agency | LAA
low-pay-commission | Low Pay Commission | LPC
marine-management-organisation | Marine Management Organisation | MMO
medicines-and-healthcare-products-regulatory-agency | Medicines and Healthcare products Regulatory Agency | MHRA
ministry-of-housing-communities-local-government | Ministry of Housing, Communities and Local Government | MHCLG
ministry-of-defence | Ministry of Defence | MOD
ministry-of-justice | Ministry of Justice | MOJ
natural-england | Natural England
nhs-blood-and-transplant | NHS Blood and Transplant | NHSBT
nhs-business-services-authority | NHS Business Services Authority | NHSBSA
nhs-commissioning-board | NHS England
office-for-budget-responsibility | Office for Budget Responsibility | OBR
office-for-national-statistics | Office for National Statistics | ONS
ofgem | Ofgem
ofqual | Ofqual
ofsted | Ofsted
planning-inspectorate | Planning Inspectorate
rural-payments-agency | Rural Payments Agency | RPA
serious-fraud-office | Serious Fraud Office | SFO
sport-england | Sport England
standards-and-testing-agency | Standards and Testing Agency | STA
student-loans-company | Student Loans Company | SLC
uk-export-finance | UK Export Finance | UKEF
uk-health-security-agency | UK Health Security Agency | UKHSA
valuation-office-agency | Valuation Office Agency | VOA
youth-justice-board-for-england-and-wales | Youth Justice Board for England and Wales | YJB
"""
_ROWS = (row.split(" | ") for row in _TABLE.strip().splitlines())
ORGANISATIONS: Organisations = {slug: tuple(names) for slug, *names in _ROWS}
"""The list of this version, used without a request to GOV.UK."""
ALL_OF_GOVUK = "https://www.gov.uk/api/search.json?aggregate_organisations=1500&count=0"
"""A search that counts the publications of each organisation, so its response names all of them."""


def slug_of(text: str, among: Organisations = ORGANISATIONS) -> str | None:
    """Return the slug of the organisation with this slug, name or acronym, or None if the list has
    none.
    """
    slugs: dict[str, str] = {}
    for slug, names in among.items():
        slugs |= dict.fromkeys(map(_fold_name, (slug, *names)), slug)
    folded = _fold_name(text)
    return slugs.get(folded) if folded else None


def nearest_slug(text: str, among: Organisations = ORGANISATIONS) -> str | None:
    """Return the slug that is most similar to `text`, or has the most similar name, or None.

    The text may also be the organisation's address on GOV.UK.
    """
    text = text.rstrip("/").rpartition("/")[2]
    slugs: dict[str, str] = {}
    for slug, names in among.items():
        slugs |= dict.fromkeys(map(_fold_name, (slug, names[0])), slug)
    nearest = difflib.get_close_matches(_fold_name(text), slugs, n=1, cutoff=0.8)
    return slugs[nearest[0]] if nearest else None


def find_slugs(text: str, among: Organisations = ORGANISATIONS) -> list[str]:
    """Return the slugs of all organisations whose slug, name or acronym contains this text."""
    folded = _fold_name(text)
    return [
        slug
        for slug, names in among.items()
        if any(folded in _fold_name(name) for name in (slug, *names))
    ]


def name_of(slug: str, among: Organisations = ORGANISATIONS) -> str:
    """Return the name of a slug, which is its own words if it is not in the list."""
    return among[slug][0] if slug in among else slug.replace("-", " ").capitalize()


def read_organisations(body: bytes) -> Organisations:
    """Return the organisations in a response of `ALL_OF_GOVUK`.

    Raises `ValueError` for any other response.
    """
    response = json.loads(body)
    try:
        listed = [option["value"] for option in response["aggregates"]["organisations"]["options"]]
        valid = [entry for entry in listed if SLUG.fullmatch(entry["slug"])]
        names = {entry["slug"]: (entry["title"], entry.get("acronym") or "") for entry in valid}
        return {
            slug: tuple(clean_text(name) for name in both if name) for slug, both in names.items()
        }
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("names no organisations") from exc


def _fold_name(text: str) -> str:
    """Return a name in the form in which names are compared: lower case, without punctuation, "and"
    and "the".
    """
    words = re.findall(r"[a-z0-9]+", text.casefold())
    return " ".join(word for word in words if word not in {"and", "the"})
