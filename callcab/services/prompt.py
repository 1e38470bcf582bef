"""Prompts with the callee's own values: «Здравствуйте, {имя}!».

A text with values is said in pieces, the fixed ones and the values apart: a voice speaks each piece once for all
callees that share it, so that a campaign of 50 000 makes no 50 000 sounds.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from callcab.lib.errors import Invalid
from callcab.providers.telephony.base import Gather, Play, Step

_NAME = re.compile(r"\{([^{}]*)\}")
LONGEST_VALUE = 100


def check(texts: Iterable[tuple[str, str]], known: Sequence[str]) -> None:
    """Whether every variable of the texts is known, in any case of letters.

    texts   pairs of a form's field and what was written there
    raises  Invalid("campaign.unknown_variable") or, when the contacts have none at all, ("campaign.no_variables")
    """
    have = {name.casefold() for name in known}
    for field, text in texts:
        for name in _NAME.findall(text):
            if name.strip().casefold() in have:
                continue
            if not known:
                raise Invalid("campaign.no_variables", field=field, name=name)
            raise Invalid("campaign.unknown_variable", field=field, name=name, known=", ".join(known))


def spoken(scenario: Sequence[Step], variables: Mapping[str, object]) -> tuple[Step, ...]:
    """The scenario as one callee hears it; a value that he lacks is left out."""
    values = {name.casefold(): str(value) for name, value in variables.items()}
    return tuple(step for item in scenario for step in _spoken(item, values))


def _spoken(step: Step, values: Mapping[str, str]) -> Iterator[Step]:
    if isinstance(step, Gather):
        yield replace(
            step,
            prompt=_plays(step.prompt, values),
            branches={digit: spoken(branch, values) for digit, branch in step.branches.items()},
            otherwise=spoken(step.otherwise, values),
            unheard=_plays(step.unheard, values),
            unknown=_plays(step.unknown, values),
        )
    elif isinstance(step, Play):
        yield from _pieces(step, values)
    else:
        yield step


def _plays(plays: Sequence[Play], values: Mapping[str, str]) -> tuple[Play, ...]:
    return tuple(piece for play in plays for piece in _pieces(play, values))


def _pieces(play: Play, values: Mapping[str, str]) -> Iterator[Play]:
    """The fixed pieces of a text, and between them the values; what holds nothing to say is dropped."""
    if play.sound or not _NAME.search(play.text):
        yield play
        return
    for number, part in enumerate(_NAME.split(play.text)):
        text = values.get(part.strip().casefold(), "")[:LONGEST_VALUE] if number % 2 else part
        if any(letter.isalnum() for letter in text):
            yield Play(text.strip())
