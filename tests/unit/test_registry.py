import pickle
from pathlib import Path

import pytest

from models.supervised import Supervised
from pipelines.errors import DataError, UsageError
from pipelines.leads import registry
from tests.unit.test_supervised import book


@pytest.fixture(scope="module")
def models() -> list[Supervised]:
    rows, labels = book(200)
    return [Supervised(seed, ("logistic",)).fit(rows, labels) for seed in (1, 2)]


def stored(root: Path, models: list[Supervised]) -> list[str]:
    return [registry.store(root, m, {"kind": "claim", "number": i}, f"# {i}\n") for i, m in enumerate(models)]


def test_promote_and_roll_back(tmp_path, models):
    first, second = stored(tmp_path, models)
    assert registry.champions(tmp_path) == {}
    registry.promote(tmp_path, first, "better")
    registry.promote(tmp_path, second, "better")
    assert registry.champions(tmp_path) == {"claim": second}
    assert registry.rollback(tmp_path, "claim") == first
    assert registry.champions(tmp_path) == {"claim": first}
    assert registry.rollback(tmp_path, "claim") == ""
    assert registry.champions(tmp_path) == {}
    with pytest.raises(UsageError, match="no champion"):
        registry.rollback(tmp_path, "claim")


def test_same_bytes_are_the_same_model(tmp_path, models):
    assert stored(tmp_path, models) == stored(tmp_path, models)
    assert [s.about["number"] for s in registry.stored(tmp_path)] in ([0, 1], [1, 0])
    assert registry.card(tmp_path, stored(tmp_path, models)[1]) == "# 1\n"


def test_a_changed_model_is_not_loaded(tmp_path, models):
    name = stored(tmp_path, models)[0]
    registry.load(tmp_path, name)
    file = tmp_path / "models" / name / "logistic.json"
    file.write_text(file.read_text().replace("0", "1", 1))
    with pytest.raises(DataError, match="changed"):
        registry.load(tmp_path, name)


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def test_a_pickle_is_refused_unread(tmp_path, models, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = stored(tmp_path, models)[0]
    (tmp_path / "models" / name / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match="refused"):
        registry.load(tmp_path, name)
    assert not (tmp_path / "exploded").exists()


def test_no_path_outside_the_store(tmp_path):
    with pytest.raises(DataError, match="no such model"):
        registry.load(tmp_path, "../../../../etc")
