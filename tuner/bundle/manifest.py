"""The description of a bundle: `manifest.json` as validated, frozen values."""

import hashlib
import json
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tuner.data.chunks import Wanted
from tuner.errors import UserError

FORMAT = 1
MANIFEST = "manifest.json"
# How a damaged bundle is mended.
AGAIN = "copy it anew, or write it again with `python -m tuner.export --study NAME --bundle DIR`"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Columns(Part):
    """The data's columns; `step` is the usual one from row to row, in nanoseconds if the time is `dated`."""

    time: str | None
    dated: bool
    step: Positive
    max_gap: Positive
    features: tuple[str, ...] = Field(min_length=1)
    targets: tuple[str, ...]


class TaskPart(Part):
    """As in the study file, the horizon spelt out: 0 for `classify`."""

    kind: Literal["forecast", "classify"]
    window: int = Field(ge=1)
    horizon: int = Field(ge=0)
    difference: bool


class ScalingPart(Part):
    """Of each column."""

    mean: tuple[Finite, ...]
    deviation: tuple[Positive, ...]


class Member(Part):
    """One network of the ensemble; its tensors are called `NUMBER.NAME`, from 0 on."""

    hidden_size: int = Field(ge=1, le=4096)
    num_layers: int = Field(ge=1, le=16)
    normalization: Literal["none", "batch", "layer"]


class RarityPart(Part):
    """The map from raw scores to scores (`tuner.bundle.rarity`); `rows` is how many out-of-fold scores it is of."""

    rows: int = Field(ge=1)
    tail: Positive
    raw: tuple[Finite, ...] = Field(min_length=1)
    score: tuple[Finite, ...]


class Manifest(Part):
    """A bundle, but for its weights.

    `residual` is the unit of forecast errors, one a target; `threshold` lies on the scale of scores; `study`, `scores`,
    `holdout`, `data` and `versions` say where it comes from, and scoring does not need them.
    """

    format: int
    study: dict[str, Any]
    task: TaskPart
    columns: Columns
    features: ScalingPart
    targets: ScalingPart | None
    members: tuple[Member, ...] = Field(min_length=1)
    residual: tuple[Positive, ...] | None
    threshold: Finite | None
    scores: dict[str, Any]
    holdout: dict[str, Any] | None
    data: dict[str, Any]
    versions: dict[str, str]
    files: dict[str, str]
    rarity: RarityPart

    @model_validator(mode="after")
    def _fit_together(self) -> "Manifest":
        names, scaled, rarity = self.columns, self.features, self.rarity
        fit = {len(scaled.mean), len(scaled.deviation)} == {len(names.features)} and len(rarity.raw) == len(
            rarity.score
        )
        if self.task.kind == "classify":
            fit &= self.targets is None and self.residual is None and not names.targets and self.task.horizon == 0
        elif self.targets is None or self.residual is None or self.task.horizon == 0:
            fit = False
        else:
            lengths = {len(self.targets.mean), len(self.targets.deviation), len(self.residual)}
            fit &= lengths == {len(names.targets)} and lengths != {0}
        rising = all(one < other for part in (rarity.raw, rarity.score) for one, other in pairwise(part))
        if not (fit and rising):
            raise ValueError("its parts do not fit together")
        return self

    @property
    def outputs(self) -> int:
        """Columns that each network gives out."""
        return len(self.columns.targets) or 1

    @property
    def wanted(self) -> Wanted:
        """The columns to read from data: targets only where they are there, unless a forecast starts from them."""
        columns = self.columns
        return Wanted(columns.time, columns.dated, columns.features, columns.targets, not self.task.difference)

    def to_json(self) -> str:
        """The text of the file, which ends with a checksum of the rest."""
        values = self.model_dump(mode="json")
        return json.dumps({**values, "sha256": _checksum(values)}, indent=1, allow_nan=False) + "\n"


def read_manifest(text: bytes, where: str) -> Manifest:
    """The manifest that the file holds.

    Raises:
        UserError: it is damaged, was changed, or is of a format that this version does not know.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UserError("this is not a manifest: the file is damaged", where=where, hint=AGAIN)
    if values.get("format") != FORMAT:
        hint = "read it with the version of the tuner that wrote it, or write it again with this one"
        raise UserError(
            f"format {values.get('format')!r} is not known; this version reads {FORMAT}", where=where, hint=hint
        )
    if values.pop("sha256", None) != _checksum(values):
        raise UserError("it does not match its checksum: damaged, or changed by hand", where=where, hint=AGAIN)
    try:
        return Manifest.model_validate_json(json.dumps(values))
    except ValidationError as error:
        detail = error.errors()[0]
        at = ".".join(map(str, detail["loc"]))
        raise UserError(f"{at + ': ' if at else ''}{detail['msg']}", where=where, hint=AGAIN) from None


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
