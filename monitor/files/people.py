"""Tells the names of persons from those of organisations, teams and programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from schedules.patterns import quick

_GIVEN_NAMES = frozenset(
    """
    aaron adam adrian aidan alan albert alexander alexandra alice alison amanda amy andrea
    andrew angela anna anne anthony barbara benjamin bethany brian callum carol caroline
    catherine charles charlotte chloe christine christopher claire clare colin daniel
    danielle darren david deborah denise dennis derek diane donna dorothy douglas duncan
    edward eleanor elizabeth ellen emily emma eric fiona fraser gareth gary gavin geoffrey
    george georgina gillian graham gregory hannah harriet heather helen henry hugh iain ian
    imran irene isabel jacqueline james jane janet jason jean jennifer jeremy jessica joan
    joanna joanne jonathan joseph joshua joyce judith julia julian julie karen kate
    katherine kathleen katie keith kelly kenneth kerry kevin kirsty laura lauren lawrence
    leanne lesley liam linda lisa louise lucy lynne malcolm margaret marie martin mary
    matthew maureen megan melanie michael michelle mohammed monica natalie natasha nathan
    neil nicholas nicola nigel nina olivia oliver pamela patricia patrick paul pauline peter
    philip rachael rachel raymond rebecca richard robert robin roger ronald rosemary ruth
    ryan samantha samuel sandra sarah sean sharon sheila shirley simon sophie stacey
    stephanie stephen steven stewart stuart susan suzanne thomas timothy tracey trevor
    valerie vanessa vincent wendy william yvonne zoe
    """.split()  # noqa: SIM905  # two hundred literals would hide what they are
)
_NAME = r"[A-Z][A-Za-z'\N{RIGHT SINGLE QUOTATION MARK}-]{1,30}"
_TITLED = quick(rf"^(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?\s+(?:[A-Z]\w{{0,30}}\.?\s+){{0,2}}{_NAME}$")
_SURNAME_FIRST = quick(rf"^{_NAME}(?:[ -]{_NAME})?,\s*(?P<given>[A-Za-z]+)\b")
_GIVEN_FIRST = quick(
    rf"^(?P<given>[A-Za-z]+)\s+(?:[A-Z]\.?\s+)?{_NAME}(?:\s+[\(\[].{{1,60}}[\)\]])?$"
)
_MAILBOX = quick(r"^(?P<given>[a-z]+)\.[a-z'-]+\d{0,3}@[a-z0-9.-]+$", re.IGNORECASE)
_IN_BRACKETS = quick(r"[\(\[][^)\]]{0,80}[)\]]")
_NO_PERSON = quick(
    r"\b(?:academy|access|account|admin|administrator|agency|analysis|analytics|association"
    r"|authority|board|bureau|centre|college|commission|communications|consulting"
    r"|council|curie|data|department|directorate|division|excel|foundation|freud"
    r"|group|hospital|house|hub|institute|intelligence|lab|laptop|library|limited"
    r"|line|ltd|ministry|museum|office|pc|press|printers|project|report|reports"
    r"|research|road|school|service|services|society|square|statistics|street|systems"
    r"|team|template|trust|unit|university|user|wyman)\b",
    re.IGNORECASE,
)


def find_people(names: Iterable[str]) -> Iterator[str]:
    """Yield the names that are surely those of persons.

    A form of address, a common given name with a surname, or a mailbox with both is sure.
    """
    for name in names:
        # "Smith, Jane (Analysis Division)" names the person's team in brackets.
        if not _NO_PERSON.search(_IN_BRACKETS.sub("", name)) and _is_person(name):
            yield name


def _is_person(name: str) -> bool:
    if _TITLED.match(name):
        return True
    forms = (form.match(name) for form in (_SURNAME_FIRST, _GIVEN_FIRST, _MAILBOX))
    return any(found is not None and found["given"].lower() in _GIVEN_NAMES for found in forms)
