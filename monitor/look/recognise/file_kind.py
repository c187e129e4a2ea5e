"""Checks that content is of the kind that its address or media type names, by its first bytes.

Signatures: PKWARE's APPNOTE (zip, and so OOXML and ODF), [MS-CFB] (the old Office formats), ISO
32000 (PDF).
"""

from __future__ import annotations

import re

from monitor.look.fetch import Answer
from monitor.look.recognise.page import find_marked_charset, is_html, parse_json
from monitor.look.recognise.result import Context
from monitor.look.recognise.title import NOT_ITS_TITLE, names_release
from schedules.patterns import quick

PAGE_FOR_FILE, ERROR_MESSAGE = (
    "a web page where a file should be",
    "an error message in place of content",
)
WRONG_KIND = "content that is not of the kind that its address or type names"
"""Reasons of an unknown: the address of a file answered with success, but not with the file."""

_ZIP, _OLD_OFFICE, _PDF, _RTF = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF", b"{\\rtf"
_EMPTY_ZIP = b"PK\x05\x06"
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    **dict.fromkeys(("xlsx", "xlsm", "xlsb", "ods", "odt", "odp", "docx", "pptx", "zip"), (_ZIP,)),
    **dict.fromkeys(("xls", "doc", "ppt"), (_OLD_OFFICE, _ZIP, _RTF)),
    "pdf": (_PDF,),
    "rtf": (_RTF,),
    "gz": (b"\x1f\x8b",),
    "png": (b"\x89PNG",),
    **dict.fromkeys(("jpg", "jpeg"), (b"\xff\xd8\xff",)),
    "gif": (b"GIF8",),
    "parquet": (b"PAR1",),
    "sav": (b"$FL2", b"$FL3"),
}
# If no extension names the kind, two letters are not enough for zip, and RTF is read as text.
_BINARY = (
    b"PK\x03\x04",
    *{sign for signs in _SIGNATURES.values() for sign in signs if sign not in (_ZIP, _RTF)},
)
_FIRST_CHARACTERS = {"json": ("{", "["), "geojson": ("{", "["), "xml": ("<",)}
_TABLE_EXTENSIONS = ("csv", "tsv", "tab")
_DELIMITERS = ",;\t|"
_FIELDS = quick(r"[^\s,][,\t][^\s,]")
# Servers use these media types for any file of an unknown kind.
_TYPES_OF_ANY_FILE = ("", "text/plain", "text/html")
_HEAD = 4096
_PDF_HEAD = 1024  # PDF readers accept the signature anywhere in the first 1,024 bytes
_LONGEST_MESSAGE = 65_536
_LONGEST_NOTE = 400
# in place of a table. The last is a pointer to a file that was not uploaded.
_NOTE = quick(
    r"\b(not found|does not exist|denied|forbidden|error|problem|unavailable|no longer|removed"
    r"|moved|(?:not|be) (?:yet )?(?:available|published|released)|try again|git-lfs|placeholder"
    r"|coming soon|tbc|null|no data|too many|requests?|time(?:d )?out|busy|maintenance|expired"
    r"|upstream|invalid|bad gateway|unauthori[sz]ed|not allowed|rate limit)\b",
    re.IGNORECASE,
)
# before the name of the first element
_START = r"(?:[^<]|<(?![a-z_]))*<(?:[a-z_][\w.-]{0,60}:)?"
_HTML_ROOT = quick(rf"{_START}html\b", re.IGNORECASE)
_ERROR_ROOT = quick(
    rf"{_START}(?:errors?|fault|(?:service)?exception(?:report)?)[\s/>]"
    rf"|{_START}envelope\b[^<]{{0,500}}>\s{{0,99}}<(?:[a-z_][\w.-]{{0,60}}:)?body[^<]{{0,500}}>"
    r"\s{0,99}<(?:[a-z_][\w.-]{0,60}:)?fault[\s/>]",
    re.IGNORECASE,
)
# The keys of error messages in JSON ("problem details" are RFC 9457).
_ERROR_KEY = quick(
    r"_response_info|body|(error|status_?)?code|correlationid|details?|errors?|exceptions?|fault"
    r"|instance|maintenance|messages?|ok|path|reason|request_?id|resource|retry_?after|status"
    r"|success"
    r"|timestamp|title|traceid|type",
    re.IGNORECASE,
)
_ERRORS = (
    *("error", "errors", "exception", "fault", "_response_info"),
    *("odata.error", "errormessage", "error_message", "httpmessage"),
)
_ERROR_TEXTS = (
    *(*_ERRORS, "message", "messages", "detail", "details", "reason", "retryafter", "retry_after"),
)
_FAILED = ("error", "fail", "failed", "failure")


def content_fault(answer: Answer, context: Context) -> str:
    """Return why a body is not a file of the kind that its address names, or an empty string if it
    is.

    If the address has no file name extension (`context.file` is None), the media type names the
    kind.
    """
    extension, body = context.file, answer.body
    signatures = _BINARY if extension is None else _SIGNATURES.get(extension, ())
    is_pdf = extension == "pdf" and _PDF in body[:_PDF_HEAD]
    if (is_pdf or body.startswith(signatures)) and not body.startswith(_EMPTY_ZIP):
        return ""
    if fault := message_fault(answer):
        return fault
    head = decode_text(body[:_HEAD]) or ""
    if not _fits_kind(answer, head, extension):
        return WRONG_KIND
    if extension is None and context.title and not names_release(context.title, head):
        return NOT_ITS_TITLE
    return ""


def _fits_kind(answer: Answer, head: str, extension: str | None) -> bool:
    """Return whether a body fits its file name extension or, if that is None, its media type.

    `head` is the start of the body as text, empty if it is binary.
    """
    first_character = head.lstrip()[:1]
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    kind = extension
    if extension is None:
        kind = next((name for name in _FIRST_CHARACTERS if name in media_type), None)
    if kind in _FIRST_CHARACTERS:
        return first_character in _FIRST_CHARACTERS[kind]
    if kind not in (*_TABLE_EXTENSIONS, "txt", None):
        return kind not in _SIGNATURES and bool(answer.body.strip())
    # The extension is one of a table, "txt" or None. So the body must be text, and not JSON or
    # markup.
    is_other_kind = "json" in media_type or "xml" in media_type
    if first_character in ("", "<", "{", "[") or is_other_kind:
        return False
    if extension == "txt":
        return media_type != "text/html"
    # With a media type that servers use for any file, the text must look like a table.
    if extension is not None and _is_only_heading(head):
        return False
    return is_table(answer) or (media_type not in _TYPES_OF_ANY_FILE and not is_note(answer))


def is_note(answer: Answer) -> bool:
    """Return whether a body is a short text that says that something is wrong or not there."""
    return len(answer.body) <= _LONGEST_NOTE and bool(_NOTE.search(decode_text(answer.body) or ""))


def _is_only_heading(head: str) -> bool:
    """Return whether text is the first line of a table, without rows and numbers."""
    line = head.strip()
    has_fields = any(delimiter in line for delimiter in _DELIMITERS)
    return has_fields and "\n" not in line and not any(map(str.isdigit, line))


def is_table(answer: Answer) -> bool:
    """Return whether a text has fields with commas or tabs, or two lines with the same number of a
    delimiter.
    """
    head = decode_text(answer.body[:_HEAD]) or ""
    if _FIELDS.search(head):
        return True
    lines = [line for line in head.splitlines() if line.strip()]
    for delimiter in _DELIMITERS:
        counts = [line.count(delimiter) for line in lines if delimiter in line]
        if len(counts) > len(set(counts)):
            return True
    return False


def message_fault(answer: Answer) -> str:
    """Return why content is a web page, an error message in JSON or XML, or JSON that is broken or
    empty; "" for anything else.
    """
    head = (decode_text(answer.body[:_HEAD]) or "").lstrip()
    if head.startswith("<"):
        if is_html(answer) or _HTML_ROOT.match(head):
            return PAGE_FOR_FILE
        return ERROR_MESSAGE if _ERROR_ROOT.match(head) else ""
    is_json = head.startswith(("{", "[")) and answer.whole
    # A large one is content.
    if not is_json or len(answer.body) > _LONGEST_MESSAGE:
        return ""
    if (content := parse_json(answer.body)) is None:
        return WRONG_KIND
    return ERROR_MESSAGE if not content or says_error(content) else ""


def says_error(content: object) -> bool:
    """Return whether JSON is an error message, or has one in place of content."""
    if not isinstance(content, dict):
        return False
    fields = {str(key).lower(): value for key, value in content.items()}
    # A number may be a statistical error.
    if any(error and isinstance(error, str | list | dict) for error in map(fields.get, _ERRORS)):
        return True
    if any(value is False for value in map(fields.get, ("success", "ok"))):
        return True
    if any(value in _FAILED for value in map(fields.get, ("status", "result"))):
        return True
    codes = map(fields.get, ("status", "statuscode", "status_code", "code"))
    is_status = any(isinstance(code, int) and code >= 400 for code in codes)
    has_message = any(map(fields.get, _ERROR_TEXTS))
    return (is_status or has_message) and all(map(_ERROR_KEY.fullmatch, fields))


def decode_text(body: bytes) -> str | None:
    """Return the text of a file in the encoding that its first bytes name, None if it is binary."""
    charset = find_marked_charset(body)
    if body.startswith(_BINARY) or (charset is None and b"\0" in body):
        return None
    return body.decode(charset or "utf-8", "replace").removeprefix("\ufeff")
