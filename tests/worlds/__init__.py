"""Builders that all tests share.

A test names only the facts that matter for it. All others have defaults.

| module | builds | |---|---| | `instants` | `SLOT` (9.30am on Friday 5 January 2018),
`after_slot(-90)` in seconds, `at("09:31")` in London time | | `releases` | `a_release`, `a_part`,
`a_slot`, `a_promise`, `an_announcement` | | `looks` | `a_sighting`, `looks`, `RegularLooks` (the
answers of a target, and the spacing of looks), `a_run` | | `verdicts` | `judged` (the verdict on a
release from looks), `explained`, `found`, `kinds` | | `incidents` | `an_incident`, `a_notice`,
`facts_of_a_release` | | `stores` | `a_store` (SQLite, from a template), `runs_of`, and rows:
`a_verdict_row`, `a_record`, `a_delivery` … | | `case_files`, `steps`, `judged_cases`, `page_cases`, `transcripts` |
read the cases of tests from TOML | | `truths` | random publishers, caches and schedules
with a known truth, for tests of properties |

The usual release has the id `r`, one landing page and one promise for `SLOT`. A keyword replaces a
field: `a_release(title="Births")`. A target is named `page` (its edge view), `page/origin`, `sheet`
or in full.
"""
