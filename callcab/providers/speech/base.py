"""What every voice promises: a text goes in, a sound that telephones can play comes out."""

from typing import Protocol

# Two minutes of speech; a longer text is somebody's mistake.
LONGEST = 2000


class SpeechUnavailable(Exception):
    """The text can't be spoken; ``code`` says why and is for the log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Speech(Protocol):
    """A voice. ``name`` changes when the same text would sound different, so that it may name a stored sound."""

    name: str

    def render(self, text: str) -> bytes:
        """A WAV file of the spoken text: one channel, 8000 Hz, 16 bits. Raises SpeechUnavailable."""
        ...


class NoSpeech:
    """No voice is configured: only uploaded sounds can be played."""

    name = "none"

    def render(self, text: str) -> bytes:
        raise SpeechUnavailable("speech.none")
