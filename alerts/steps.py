"""What to do, one sentence a step, by what a notice is about and how things stand."""

from __future__ import annotations

STEPS = {
    "late": (
        "Open the address yourself, once as it is and once in a private window.",
        "Ring whoever publishes for the producer: is it stuck, and when will it be out?",
        "People with pre-release access stay silent until it is out.",
        "If a link is handed round, send it to everyone at the same moment.",
    ),
    "out": (
        "It is out: open the address yourself and check that all of it is there.",
        "Tell those who asked, and people with pre-release access, that it is out.",
    ),
    "partial": (
        "Open the addresses marked as missing yourself.",
        "Ring whoever publishes for the producer and say which parts are missing.",
        "Have the page say which parts are current.",
    ),
    "early": (
        "Do not forward, quote or describe what is there.",
        "Ring whoever publishes for the producer: take it down, or bring the release forward for everyone?",
        "Tell the Head of Profession now; write down who may have had access.",
    ),
    "over": (
        "It is down again, or its slot has passed: do not quote what was there.",
        "Tell the Head of Profession; write down who may have had access, and for how long.",
    ),
    "unproven": (
        "This is not a breach claim: the monitor could not see enough.",
        "Look for other evidence: publishing logs, screenshots, another monitor.",
        "If it was late or early after all, log it by hand.",
    ),
    "lead": (
        "Read the item at its address and judge it: this is not a verdict.",
        "If figures were out before their slot, log an incident by hand.",
    ),
    "altered": (
        "Open the address yourself: by itself this is no breach.",
        "Ask whoever publishes for the producer whether it was meant, and how users are told why.",
        "If figures were wrong or had to be taken down, tell the Head of Profession.",
    ),
    "calendar": (
        "Ask the producer which entry binds, and who agreed to the change.",
        "Nothing has been late or early by this alone.",
    ),
    "hand": ("Complete the draft.",),
    "on_time": ("Tell those who were told otherwise that it came out on time.",),
    "cancelled": ("Ask the producer whether users have been told that it is cancelled.",),
    "moved": ("Ask the producer whether users have been told of its new time.",),
    "settled": ("Tell those who were told otherwise: what was said before no longer holds.",),
}
