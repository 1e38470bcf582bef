"""Sound as telephones carry it: one channel, 8000 samples a second, 16 bits each, in a WAV file."""

import array
import io
import math
import sys
import wave
from collections.abc import Sequence
from operator import mul

RATE = 8000
WIDTH = 2
HIGHEST, LOWEST = 32767, -32768
# A wider filter cuts more sharply and costs more; with this one, what would fold back into speech is 70 dB lower.
LOBES = 14
PASS = 0.92


def wav(samples: Sequence[int], rate: int = RATE) -> bytes:
    """Samples as a WAV file at the telephone's rate."""
    numbers = array.array("h", resample(samples, rate, RATE))
    if sys.byteorder == "big":
        numbers.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(WIDTH)
        writer.setframerate(RATE)
        writer.writeframes(numbers.tobytes())
    return file.getvalue()


def seconds(data: bytes) -> float:
    """How long a WAV file of ours plays."""
    with wave.open(io.BytesIO(data)) as reader:
        return float(reader.getnframes() / reader.getframerate())


def resample(samples: Sequence[int], source: int, target: int) -> Sequence[int]:
    """The same sound at another rate: a band-limited filter, so that nothing folds back as a whistle."""
    if source == target:
        return samples
    common = math.gcd(source, target)
    up, down = target // common, source // common
    scale = PASS * min(1.0, target / source)
    half = math.ceil(LOBES / scale)
    padded = [0.0] * half + [float(value) for value in samples] + [0.0] * (half + 1)
    kernels: dict[int, list[float]] = {}
    made = []
    for number in range(len(samples) * up // down):
        start, phase = divmod(number * down, up)
        kernel = kernels.get(phase)
        if kernel is None:
            kernel = kernels[phase] = _kernel(phase / up, scale, half)
        value = round(sum(map(mul, kernel, padded[start + 1 : start + 1 + 2 * half])))
        made.append(min(HIGHEST, max(LOWEST, value)))
    return made


def _kernel(offset: float, scale: float, half: int) -> list[float]:
    """Weights of the samples around a point that lies ``offset`` after one; they add up to one."""
    weights = []
    for place in range(1 - half, half + 1):
        distance = place - offset
        turn = math.pi * scale * distance
        weight = 1.0 if not turn else math.sin(turn) / turn
        weights.append(weight * (0.5 + 0.5 * math.cos(math.pi * distance / half)) if abs(distance) < half else 0.0)
    total = sum(weights)
    return [weight / total for weight in weights]
