"""Voices for prompts that are written, not recorded."""

from callcab.providers.speech.base import NoSpeech, Speech, SpeechUnavailable
from callcab.providers.speech.espeak import EspeakSpeech

__all__ = ["EspeakSpeech", "NoSpeech", "Speech", "SpeechUnavailable", "make"]


def make(name: str) -> Speech:
    """The voice that the setting names."""
    return EspeakSpeech() if name == "espeak" else NoSpeech()
