r"""Characters beyond U+FFFF as JSON writes them: two escapes, `\ud83d\ude00`, which YAML does not know."""

from __future__ import annotations

import re
from typing import Final

_PAIR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_PRIVATE: Final = range(0xE000, 0xF900)


class Pairs:
    """Each pair in a text replaced by YAML's own escape for the character, as long as the pair: no place moves.

    Whether a pair stands in double quotes, where alone it means a character, is known once the text is parsed. So the
    two characters that fill up the shorter escape are ones that the text has not: in quotes they are taken out again,
    and elsewhere the pair is put back.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._written: dict[str, str] = {}
        # Nearly no spec has one.
        if "\\ud" not in text and "\\uD" not in text:
            return
        unused = next((chr(code) for code in _PRIVATE if chr(code) not in text), None)
        if unused is not None:
            self._fill = 2 * unused
            self.text = _PAIR.sub(self._escaped, text)

    def restored(self, value: str, style: str | None) -> str:
        """What a scalar holds; `style` are its quotes, as the parser names them."""
        if not self._written or self._fill not in value:
            return value
        if style == '"':
            return value.replace(self._fill, "")
        return re.sub(rf"\\U[0-9a-fA-F]{{8}}{self._fill}", lambda match: self._written[match.group()], value)

    def _escaped(self, match: re.Match[str]) -> str:
        before, high, low = match.groups()
        code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00
        # Upper and lower case digits are kept apart, so that each can be put back as it was written.
        escape = f"\\U{code:08x}{self._fill}"
        pair = f"\\u{high}\\u{low}"
        if self._written.setdefault(escape, pair) != pair:
            escape = f"\\U{code:08X}{self._fill}"
            self._written.setdefault(escape, pair)
        return before + escape
