"""Kinds of values: how each is read from a body and from a filter, shown in an answer, and documented.

The texts of errors are those of Django REST framework and, for filters, of Django's forms: clients know them.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

__all__ = [
    "CALENDAR",
    "MOST_INTEGER",
    "TIME_OF_DAY",
    "Amount",
    "Coded",
    "Day",
    "EmailText",
    "FilePart",
    "Flag",
    "Instant",
    "Invalid",
    "Json",
    "Kind",
    "Schema",
    "SlugText",
    "Text",
    "Whole",
]

Schema: TypeAlias = dict[str, Any]

COMMON: Final = ("", "not_eq", "in", "not_in", "isnull")
COMPARED: Final = ("lt", "lte", "gt", "gte")
MATCHED: Final = ("contains", "not_contains", "startswith", "not_startswith", "endswith", "not_endswith")
CALENDAR: Final = ("year", "month", "day", "week", "week_day")
TIME_OF_DAY: Final = ("hour", "minute", "second")

MOST_INTEGER: Final = 2**31 - 1
_MOST_HUNDREDTHS = Decimal(10) ** 16


class Invalid(ValueError):
    """A value that its field does not take.

    Attributes:
        messages: Why not, for people.
    """

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)


class Kind:
    """What all kinds do; each says more.

    Attributes:
        lookups: Suffixes of filter parameters; none at all where the service ignores filters.
    """

    lookups: tuple[str, ...] = COMMON

    def parse(self, value: Any) -> Any:
        """The value for the database, of one in a JSON body, or of a text in a form.

        Raises:
            Invalid: It is none.
        """
        return value

    def parse_filter(self, text: str) -> Any:
        """The value to compare with, or None where the text is ignored.

        Raises:
            Invalid: It is none.
        """
        return text

    def show(self, value: Any) -> Any:
        """The value in JSON; never called with None."""
        return value

    def schema(self) -> Schema:
        """Of the JSON value."""
        return {}


class Text(Kind):
    """Text, without blanks around it.

    Args:
        max_length: Most characters; None does not bound them.
        blank: Whether it may be empty.
    """

    lookups = (*COMMON, *MATCHED)

    def __init__(self, max_length: int | None = None, *, blank: bool = False, min_length: int = 0) -> None:
        self.max_length = max_length
        self.min_length = min_length
        self.blank = blank

    def parse(self, value: Any) -> str:
        """Numbers are taken as they are written."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Invalid("Not a valid string.")
        text = str(value).strip()
        _check_characters(text)
        if not text:
            if not self.blank:
                raise Invalid("This field may not be blank.")
            return text
        if self.max_length is not None and len(text) > self.max_length:
            raise Invalid(f"Ensure this field has no more than {self.max_length} characters.")
        if len(text) < self.min_length:
            raise Invalid(f"Ensure this field has at least {self.min_length} characters.")
        return text

    def parse_filter(self, text: str) -> str:
        """As it stands."""
        _check_characters(text)
        return text

    def schema(self) -> Schema:
        """A string."""
        bound = {} if self.max_length is None else {"maxLength": self.max_length}
        return {"type": "string", **bound, **({"minLength": self.min_length} if self.min_length else {})}


class EmailText(Text):
    """An address of electronic mail."""

    def parse(self, value: Any) -> str:
        """Something, an at sign, and a domain with a dot."""
        text = super().parse(value)
        if text and not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text):
            raise Invalid("Enter a valid email address.")
        return text

    def schema(self) -> Schema:
        """A string."""
        return {**super().schema(), "format": "email"}


class SlugText(Text):
    """A name for URLs."""

    def schema(self) -> Schema:
        """A string."""
        return {**super().schema(), "pattern": "^[-a-zA-Z0-9_]+$"}


class Whole(Kind):
    """A whole number, from `least` to what a database column of 32 bits takes."""

    lookups = (*COMMON, *COMPARED)

    def __init__(self, *, least: int = 0) -> None:
        self.least = least

    def parse(self, value: Any) -> int:
        """Also of text, and of `5.0`."""
        text = str(value)
        if len(text) > 1000:
            raise Invalid("String value too large.")
        try:
            number = int(re.sub(r"\.0*\s*$", "", text))
        except ValueError:
            raise Invalid("A valid integer is required.") from None
        if number < self.least:
            raise Invalid(f"Ensure this value is greater than or equal to {self.least}.")
        if number > MOST_INTEGER:
            raise Invalid(f"Ensure this value is less than or equal to {MOST_INTEGER}.")
        return number

    def parse_filter(self, text: str) -> int | float:
        """Any number; what is not whole is greater or less than all that are."""
        number = _number(text)
        return int(number) if abs(number) < 2**63 and number == number.to_integral_value() else float(number)

    def schema(self) -> Schema:
        """An integer."""
        return {"type": "integer", "minimum": self.least, "maximum": MOST_INTEGER}


class Amount(Kind):
    """An amount of money: in JSON a text with two decimals."""

    lookups = (*COMMON, *COMPARED)

    def parse(self, value: Any) -> Decimal:
        """Of a number or of text, with up to 20 digits and 2 decimals."""
        try:
            number = Decimal(str(value).strip()) if not isinstance(value, bool) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise Invalid("A valid number is required.")
        exponent = number.as_tuple().exponent
        assert isinstance(exponent, int)
        if exponent < -2:
            raise Invalid("Ensure that there are no more than 2 decimal places.")
        if abs(number) >= _MOST_HUNDREDTHS:
            raise Invalid("Ensure that there are no more than 16 digits before the decimal point.")
        return number

    def parse_filter(self, text: str) -> Decimal:
        """Any number; one beyond all amounts is as good as the bound."""
        return max(-_MOST_HUNDREDTHS, min(_MOST_HUNDREDTHS, _number(text)))

    def show(self, value: Decimal) -> str:
        """Two decimals."""
        return f"{value:.2f}"

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "format": "decimal", "pattern": r"^-?\d{0,16}(?:\.\d{0,2})?$"}


class Flag(Kind):
    """Yes or no."""

    def parse(self, value: Any) -> bool:
        """Of a boolean, of 0 and 1, and of text such as `true`, `on` or `no`."""
        text = str(value).strip().lower()
        if text in {"true", "t", "yes", "y", "on", "1", "1.0"}:
            return True
        if text in {"false", "f", "no", "n", "off", "0", "0.0"}:
            return False
        raise Invalid("Must be a valid boolean.")

    def parse_filter(self, text: str) -> bool | None:
        """Other text is ignored."""
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


class Day(Kind):
    """A date."""

    lookups = (*COMMON, *COMPARED, *CALENDAR)

    def parse(self, value: Any) -> datetime.date:
        """Of `YYYY-MM-DD`."""
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip(), re.ASCII):
            raise Invalid("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.")
        try:
            return datetime.date.fromisoformat(value.strip())
        except ValueError:
            raise Invalid("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.") from None

    def parse_filter(self, text: str) -> datetime.date:
        """The same, in other words."""
        try:
            return self.parse(text)
        except Invalid:
            raise Invalid("Enter a valid date.") from None

    def show(self, value: datetime.date) -> str:
        """ISO 8601."""
        return value.isoformat()

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "format": "date"}


class Instant(Kind):
    """A point in time. The service sets them all itself, so none is read from a body."""

    lookups = (*COMMON, *COMPARED, *CALENDAR, *TIME_OF_DAY)

    def parse_filter(self, text: str) -> datetime.datetime:
        """ISO 8601; in UTC unless it says otherwise."""
        try:
            value = datetime.datetime.fromisoformat(text.strip().replace(" ", "T", 1))
            return value.replace(tzinfo=value.tzinfo or datetime.UTC).astimezone(datetime.UTC)
        except (ValueError, OverflowError):
            raise Invalid("Enter a valid date/time.") from None

    def show(self, value: datetime.datetime) -> str:
        """ISO 8601, in UTC."""
        return value.isoformat().replace("+00:00", "Z")

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "format": "date-time"}


class Coded(Kind):
    """One of a few codes.

    Args:
        labels: What each means.
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels

    def parse(self, value: Any) -> str:
        """The code."""
        if not isinstance(value, str) or value not in self.labels:
            raise Invalid(f'"{value}" is not a valid choice.')
        return value

    def parse_filter(self, text: str) -> str:
        """The code."""
        if text not in self.labels:
            raise Invalid(f"Select a valid choice. {text} is not one of the available choices.")
        return text

    def schema(self) -> Schema:
        """A string."""
        meanings = "\n".join(f"* `{code}` - {label}" for code, label in self.labels.items())
        return {"type": "string", "enum": list(self.labels), "description": meanings}


class Json(Kind):
    """Any JSON value; in a form, its text."""

    lookups = ()

    def schema(self) -> Schema:
        """Anything."""
        return {}


class FilePart(Kind):
    """A file of a multipart body; in an answer, where it is."""

    lookups = ()

    def schema(self) -> Schema:
        """A path."""
        return {"type": "string", "format": "uri-reference"}


def json_text(text: str) -> Any:
    """The value of a JSON text in a form.

    Raises:
        Invalid: It is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("Value must be valid JSON.") from None


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.strip()) if len(text) <= 100 and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Invalid("Enter a number.")
    return number


def _check_characters(text: str) -> None:
    if "\0" in text:
        raise Invalid("Null characters are not allowed.")
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write and no database take
        raise Invalid("Not a valid string.") from None
