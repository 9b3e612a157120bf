"""Labels: what the values of a column mean, and which columns may be one."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tuner.data.series import Bools, Ints, runs
from tuner.errors import UserError, nearest, quoted
from tuner.loading.columns import is_date, is_number, letters, missing
from tuner.reading.table import Column, DataTable

MOST_WORDS = 30  # different values of a label
BY_FAR = 0.75  # of the rows: a value as common as that is normal though it is no word for it
RARE = 0.25  # of the rows: where values alone suggest a label, at most so many are anomalous
LONG = 1.5  # rows that a run has on average where values alone suggest a label
# first words of a value that means normal, and those of them that take back what follows
_NORMAL = frozenset(
    (
        *("0", "false", "f", "no", "n", "nein", "none", "normal", "normale", "nominal", "ok", "okay", "good"),
        *("healthy", "benign", "regular", "negative", "neg", "inlier", "正常", "否"),
    )
)
_NOT = frozenset({"no", "not", "non"})
# letters of names: of labels, of columns that hold classes or states, and of marks that stand beside a label
_PLAIN = frozenset({"label", "labels", "anomaly", "isanomaly"})
_SURE = re.compile(
    r"anomal|outlier|label|groundtruth|abnormal|fraud|attack|intrusion|(^|[^e])fault|failure|defect|异常|标签"
)
_CLASS = re.compile(r"class|target|y|gt|truth")
_STATE = re.compile(r"status|state|condition|health|alarm|event")
_MARK = re.compile(r"changepoint|breakpoint")


@dataclass(frozen=True)
class Label:
    """A label's column and what its values, as words, mean.

    Attributes:
        name: of the column.
        anomalous: the values that mean so.
        normal: all others; where there are none, missing values are normal.
        share: of the rows that are anomalous.
    """

    name: str
    anomalous: tuple[str, ...]
    normal: tuple[str, ...]
    share: float

    @property
    def plain(self) -> bool:
        """Are they 0 and 1, or false and true?"""
        return {"0"} >= {*self.normal} and {"1"} >= {*self.anomalous}

    @property
    def in_words(self) -> bool:
        """Does a word, no number, say which is normal?"""
        return any(_means_normal(word) and word != "0" for word in self.normal)

    def __str__(self) -> str:
        usual = f"; normal: {', '.join(self.normal)}" if self.normal else "; normal where empty"
        return f"{', '.join(self.anomalous) or '1'} = anomalous{'' if self.plain else usual}"

    @property
    def keys(self) -> str:
        """The keys of a study file that say so."""
        more = "" if self.plain else f" and `[data] anomalous = {_toml(self.anomalous)}`"
        return f"`[data] label = {_toml(self.name)}`{more}"


def count_words(tables: Sequence[DataTable], name: str) -> Counter[str] | None:
    """The rows of each value of a column, of missing ones under ""; None if it can be no label."""
    total: Counter[str] = Counter()
    for table in tables:
        if name not in table.columns:
            continue
        if (found := _find_words(table.columns[name])) is None:
            return None
        codes, words = found
        counts = np.bincount(codes % (len(words) + 1), minlength=len(words) + 1)
        for word, count in zip([*words, ""], counts.tolist(), strict=True):
            total[word] += count
    present = [word for word in +total if word]
    alike = len({word.lstrip("-").replace(".", "").isdigit() for word in present}) == 1
    return +total if alike and len(present) <= MOST_WORDS else None


def make_label(name: str, counts: Mapping[str, int], told: Sequence[str] | None = None) -> Label | None:
    """The meaning of a label's values: anomalous are those told, else all but words for normal, else all but the
    commonest by far; None where that cannot be told.

    Args:
        name: of the column.
        counts: the rows of each value, of missing ones under "".
        told: the anomalous values.
    """
    present = {word: count for word, count in counts.items() if word}
    rows, most = sum(present.values()), max(present, key=present.__getitem__)
    if told is not None:
        wanted = {*map(as_word, told)}
        normal = [word for word in present if word not in wanted]
    elif normal := [word for word in present if _means_normal(word)]:
        if normal == ["0"] and not {*present} <= {"0", "1"} and present["0"] <= rows / 2:
            return None
    elif len(present) == 1:
        if most != "1" and not counts.get(""):
            return None
    elif present[most] >= BY_FAR * rows and not _SURE.search(letters(most)):
        normal = [most]
    else:
        return None
    anomalous = [word for word in present if word not in normal]
    share = sum(present[word] for word in anomalous) / sum(counts.values())
    return Label(name, tuple(anomalous), tuple(normal), share)


def told_label(tables: Sequence[DataTable], name: str, told: Sequence[str] | None) -> Label:
    """The meaning of the column that is named as the label.

    Raises:
        UserError: it holds what no label does, or does not show which of its values is normal.
    """
    counts = count_words(tables, name)
    if counts is not None and (missed := [word for word in told or () if as_word(word) not in counts]):
        hint = nearest(missed[0], [word for word in counts if word])
        raise UserError(f"`{name}` never is {quoted(missed[0])}", where="[data] anomalous", hint=hint)
    if counts is not None and (label := make_label(name, counts, told)) is not None:
        return label
    known = {"0", "1", *(word for word in counts or () if _means_normal(word))}
    for table in tables:
        column = table.columns[name]
        strange = ~np.isin([as_word(value) for value in column], [*known]) & ~missing(column)
        if strange.any():
            row = int(strange.argmax())
            rare = as_word(column[row]) if counts is None else min(counts, key=counts.__getitem__)
            raise UserError(
                f"{quoted(column[row])} is no label",
                where=table.at(row, name),
                hint="labels are 0 or 1, or true or false, in every row; of others say which mean anomalous: "
                f"`[data] anomalous = {_toml([rare])}`",
            )
    raise UserError("every label is missing", where=tables[0].at(0, name), hint="name another column as `[data] label`")


def read_labels(table: DataTable, label: Label) -> Bools:
    """Marks anomalous rows, (rows,).

    Raises:
        UserError: a label is missing.
    """
    codes, words = _find_words(table.columns[label.name]) or (np.full(0, -1), [])
    if label.normal and (codes < 0).any():
        row, hint = int((codes < 0).argmax()), "labels are 0 or 1, or true or false, in every row"
        raise UserError("the label is missing", where=table.at(row, label.name), hint=hint)
    return np.array([*(word in label.anomalous for word in words), False])[codes]


def find_label(tables: Sequence[DataTable], names: Sequence[str]) -> tuple[Label | None, list[str], list[str]]:
    """The label among some columns, all that are named like one or like its marks, and sentences on what may be one."""
    counted = {name: counts for name in names if (counts := count_words(tables, name)) is not None}
    labels = {name: label for name, counts in counted.items() if (label := make_label(name, counts)) is not None}
    # under another name the rare one of 0 and 1 is anomalous, as in `healthy`
    for name in [name for name, one in labels.items() if one.plain and one.share >= 1 - RARE]:
        if not is_called_label(name) and (other := make_label(name, counted[name], ["0"])) is not None:
            labels[name] = other
    alike = [name for name in names if is_called_label(name) and (name in counted or letters(name) in _PLAIN)]
    clear = sorted((name for name in alike if name in labels), key=lambda name: letters(name) not in _PLAIN)
    clear += [name for name, label in labels.items() if _is_suggested(label)]
    said = []
    for name, counts in counted.items():
        if name in labels and (labels[name].in_words or _comes_in_runs(tables[0], labels[name])):
            said.append(f"`{name}` may be an anomaly label ({labels[name]}). If it is: {labels[name].keys}.")
        elif name not in labels and (name in alike or _CLASS.fullmatch(letters(name))):
            held = ", ".join(f"{word} ({count:,} rows)" for word, count in counts.most_common(5))
            said.append(
                f"`{name}` looks like a label ({held}), but not which of its values are anomalous: say so by "
                f"`[data] label = {_toml(name)}` and `[data] anomalous`."
            )
    marks = [name for name in counted if _MARK.search(letters(name))]
    return (labels[clear[0]], [*alike, *marks], []) if clear else (None, alike, said)


def is_called_label(name: str) -> bool:
    return bool(_SURE.search(letters(name)))


def as_word(value: object) -> str:
    """A value as text, the same for 1, 1.0 and "1"."""
    text = str(value).strip()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _find_words(column: Column) -> tuple[Ints, list[str]] | None:
    """The number of each row's value, (rows,), -1 where missing, and all values as words; None if it is no label."""
    if is_date(column) or len(pd.unique(column[:10_000])) > MOST_WORDS + 1:
        return None
    codes, values = pd.factorize(column)
    if len(values) > MOST_WORDS or (is_number(column) and not all(float(value).is_integer() for value in values)):
        return None
    return np.asarray(codes, dtype=np.int64), [as_word(value) for value in values]


def _is_suggested(label: Label) -> bool:
    """Do name and values together show a label: one of two classes is rare, or words tell a state?"""
    called = letters(label.name)
    two = len(label.normal) == len(label.anomalous) == 1
    return (bool(_CLASS.fullmatch(called)) and two and label.share <= RARE) or (
        bool(_STATE.search(called)) and label.in_words and label.share > 0
    )


def _comes_in_runs(table: DataTable, label: Label) -> bool:
    """Is one of two values rare, and in runs?"""
    if not (len(label.normal) == len(label.anomalous) == 1 and label.share <= RARE):
        return False
    marks = read_labels(table, label) if not missing(table.columns[label.name]).any() else np.zeros(0, dtype=bool)
    return int(marks.sum()) >= LONG * max(len(runs(marks)), 1)


def _means_normal(word: str) -> bool:
    first, *rest = re.findall(r"[^\W\d_]+|\d+", word.casefold()) or [""]
    if first in _NOT and rest:
        return not _NORMAL.intersection(rest)
    return first in _NORMAL and not word.startswith("-")


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
