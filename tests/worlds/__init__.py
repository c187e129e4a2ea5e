"""Builders that every test shares. A test names only the facts that matter for it; every other fact has a default.

| module | builds |
|---|---|
| `instants` | `SLOT` (9.30am on Friday 5 January 2018), `after_slot(-90)` in seconds, `at("09:31")` in London time |
| `releases` | `a_release`, `a_part`, `a_slot`, `a_promise`, `an_announcement` |
| `looks` | `a_sighting`, `looks`, `RegularLooks` (what a target answers, and how often it is looked at), `a_run` |
| `verdicts` | `judged` (the verdict on a release from what was seen of it), `explained`, `found`, `kinds` |
| `incidents` | `an_incident`, `a_notice`, `facts_of_a_release` |
| `stores` | `a_store` (SQLite, from a template), `runs_of`, and rows: `a_verdict_row`, `a_record`, `a_delivery` … |
| `truths` | random publishers, caches and schedules with a known truth, for tests of properties |

The usual release has the id `r`, one landing page and one promise for `SLOT`. A keyword replaces a field of what is
built: `a_release(title="Births")`. A target is named `page` (its edge view), `page/origin`, `sheet` or in full.
"""
