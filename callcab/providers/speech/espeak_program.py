"""A small program: UTF-8 text on standard input, a telephone WAV on standard output, spoken by eSpeak NG."""

import ctypes
import sys

import espeakng_loader
import numpy as np
import soxr

from callcab.lib import sound

VOICE = b"ru"
WORDS_PER_MINUTE = 145
RATE_PARAMETER = 1
SYNCHRONOUS = 2
UTF_8 = 1
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main() -> int:
    text = sys.stdin.buffer.read()
    spoken = speak(text)
    if spoken is None:
        return 1
    rate, samples = spoken
    telephone = soxr.resample(np.frombuffer(samples, np.int16), rate, sound.RATE)
    sys.stdout.buffer.write(sound.wav(telephone.astype("<i2").tobytes()))
    return 0


def speak(text: bytes) -> tuple[int, bytes] | None:
    """The rate and samples of a spoken text; None when the library refuses."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    samples = bytearray()

    def take(block: "ctypes._Pointer[ctypes.c_short]", count: int, events: int | None) -> int:
        if block and count > 0:
            samples.extend(ctypes.string_at(block, count * sound.WIDTH))
        return 0

    callback = CALLBACK(take)
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        return None
    library.espeak_SetSynthCallback(callback)
    failed = library.espeak_SetVoiceByName(VOICE)
    failed |= library.espeak_SetParameter(RATE_PARAMETER, WORDS_PER_MINUTE, 0)
    failed |= library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 0, 0, UTF_8, None, None)
    failed |= library.espeak_Synchronize()
    return None if failed else (int(rate), bytes(samples))


if __name__ == "__main__":
    sys.exit(main())
