"""What transformed samples are, as plain data: potential, CSD, slope of the potential over depth.

Whatever shows them takes names and units from here.
"""

from dataclasses import dataclass

from lfpscope.formatting import VOLTAGES, Units, amount_text
from lfpscope.signals.csd import FORMULA, SIGMA_S_PER_M


@dataclass(frozen=True)
class Quantity:
    """A quantity with its units.

    Attributes
    ----------
    name : str
        In words, with what was done: "potential, 4–10 Hz".
    units : tuple of (str, float)
        Units with their sizes in the last one, which is the unit of gains; the largest first.
    si : float
        The unit of gains in the SI unit in which samples are: V, A/m³, V/m.
    likely : float
        Gain that suits it where 1 µV suits the potential.
    formula : str
        How it comes from the potential φ; empty for the potential.
    signs : str
        What the ends of the colours mean; empty where that needs no word.
    """

    name: str
    units: Units
    si: float
    likely: float = 1.0
    formula: str = ""
    signs: str = ""

    @property
    def unit(self) -> str:
        """The unit of gains."""
        return self.units[-1][0]

    def text(self, gain: float) -> str:
        """An amount in the unit that suits it: 200 µV, 5 mV."""
        return amount_text(gain, self.units)

    def values_text(self, *values: float, form: str = ".3f") -> str:
        """Values of samples, in the unit of gains: "-1.250 … 3.000 µV"."""
        return f"{' … '.join(f'{one / self.si:{form}}' for one in values)} {self.unit}"


POTENTIAL = Quantity("potential", VOLTAGES, 1e-6)
CSD = Quantity(
    "CSD",
    (("MA/m³", 1e6), ("kA/m³", 1e3), ("A/m³", 1.0)),
    1.0,
    likely=50.0,
    formula=f"{FORMULA}, σ = {SIGMA_S_PER_M:g} S/m",
    signs="sinks blue",
)
SLOPE = Quantity(  # mV/mm is V/m, and what extracellular fields are given in
    "∂φ/∂z",
    (("V/mm", 1e6), ("mV/mm", 1e3), ("µV/mm", 1.0)),
    1e-3,
    likely=5.0,
    formula="∂φ/∂z, z upwards in the picture",
    signs="rising upwards red",
)
