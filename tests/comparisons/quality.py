"""Labels of channels beside ibldsp's and SpikeInterface's, on recordings with planted faults.

Each disagreement is counted under the definition that it follows from.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from ibldsp.voltage import detect_bad_channels as ibldsp_detect
from probeinterface import Probe
from scipy import signal
from spikeinterface.core import NumpyRecording
from spikeinterface.preprocessing import detect_bad_channels as spikeinterface_detect

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "unit"), str(TESTS / "unit" / "signals")]

from planted import features_of  # noqa: E402
from test_labels import plant  # noqa: E402

from lfpscope.signals.labels import label_channels  # noqa: E402
from lfpscope.signals.neighbours import Positions  # noqa: E402
from lfpscope.signals.thresholds import Thresholds  # noqa: E402

NAMES = ("good", "dead", "noisy", "outside")
BATCH_S = 4.0  # of ibldsp at LF rates
SEEDS = range(20)
LOUD = 1.4  # µV²/Hz, their threshold at LF rates


def ibldsp(x: np.ndarray, rate: float) -> np.ndarray:
    """Most frequent label of ten batches, as `detect_bad_channels_cbin` has it."""
    n = round(BATCH_S * rate)
    firsts = np.linspace(0, x.shape[1] - n, 10).astype(int)
    found = [ibldsp_detect(x[:, one : one + n], rate)[0] for one in firsts]
    counts = np.stack([(np.array(found) == one).sum(axis=0) for one in range(4)])
    return np.array(NAMES)[counts.argmax(axis=0)]


def spikeinterface(x: np.ndarray, rate: float, height: np.ndarray) -> np.ndarray:
    """Labels of `coherence+psd`; channels in pairs stand side by side."""
    recording = NumpyRecording(x.T.astype(np.float32) * 1e6, rate)
    recording.set_channel_gains(1.0)
    recording.set_channel_offsets(0.0)
    recording.annotate(is_filtered=True)  # else a high-pass of 300 Hz removes the LFP
    pairs = np.array([np.count_nonzero(height[:i] == one) for i, one in enumerate(height)])
    probe = Probe(ndim=2)
    probe.set_contacts(np.stack([32.0 * pairs, height], axis=1))
    probe.set_device_channel_indices(np.arange(height.size))
    recording.set_probe(probe)
    _, labels = spikeinterface_detect(
        recording, method="coherence+psd", psd_hf_threshold=LOUD, chunk_duration_s=1.0, seed=0
    )
    return np.array([{"out": "outside", "noise": "noisy"}.get(one, one) for one in labels])


def density_above(x: np.ndarray, rate: float) -> np.ndarray:
    """Mean density above 0.8 Nyquist as theirs, µV²/Hz."""
    frequency, density = signal.welch(x * 1e6, fs=rate)
    return density[:, frequency > 0.8 * rate / 2].mean(axis=1)


ABSOLUTE = "noisy is a density of 1.4 µV²/Hz above 0.8 Nyquist; here it is dB over the neighbours"
PROJECTION = (
    "dead and noisy go by the projection on the median of all channels, which differs by layer and "
    "size; here by the level of all bands and the correlation with neighbours"
)
TOP = (
    "outside is a projection below 0.25 of all channels up to the last one, bad ones too; here a "
    "fall of the level, and a channel that is bad by itself keeps that label"
)
WHY = {  # label here, label there
    ("good", "noisy"): (ABSOLUTE, PROJECTION),
    ("noisy", "good"): (PROJECTION, ABSOLUTE),
    ("outside", "noisy"): (ABSOLUTE, PROJECTION),
    ("dead", "noisy"): (ABSOLUTE, PROJECTION),
}


def explain(ours: str, theirs: str, hf: float) -> str:
    """The definition for which their label differs, from the density above 0.8 Nyquist."""
    if (ours, theirs) in WHY:
        return WHY[ours, theirs][0 if hf > LOUD else 1]
    return TOP if "outside" in (ours, theirs) else PROJECTION


def main() -> None:
    for rate, pitch in ((2500.0, 20), (1250.0, 40)):
        right: dict[str, Counter[str]] = {name: Counter() for name in ("ours", "ibldsp", "SI")}
        planted: Counter[str] = Counter()
        why: Counter[tuple[str, str, str]] = Counter()
        agreed: Counter[str] = Counter()
        for seed in SEEDS:
            one = plant(seed, rate, pitch)
            positions = Positions(one.height, np.zeros(one.height.size, np.int64))
            features = features_of(one, positions)
            ours = label_channels(features, positions, Thresholds())
            others = {
                "ibldsp": ibldsp(one.x, rate),
                "SI": spikeinterface(one.x, rate, one.height),
            }
            loud = density_above(one.x, rate)
            planted.update(one.labels.tolist())
            for name, found in {"ours": ours.label, **others}.items():
                right[name].update(one.labels[found == one.labels].tolist())
                if name == "ours":
                    continue
                agreed[name] += int((found == ours.label).sum())
                for i in np.flatnonzero(found != ours.label):
                    pair = str(ours.label[i]), str(found[i])
                    why[name, " → ".join(pair), explain(*pair, loud[i])] += 1
        total = sum(planted.values())
        print(f"{rate:g} Hz, {pitch} µm, {len(SEEDS)} recordings, {total} channels")
        for label in NAMES:
            shares = ", ".join(f"{n} {c[label] / planted[label]:.1%}" for n, c in right.items())
            print(f"  planted {label}: {planted[label]}; found as such: {shares}")
        for name, n in agreed.items():
            print(f"  same label as {name}: {n / total:.1%}")
        for (name, pair, reason), n in why.most_common():
            print(f"    {n} × {name}: {pair}: {reason}")
        assert right["ours"]["good"] >= 0.99 * planted["good"]


if __name__ == "__main__":
    main()
