"""The paths: deviations of unit variance, and those that are kept."""

import numpy as np
import pytest

from daedalus_forecaster.domain.scenarios import DRAWN, KEPT, kept, standard

WALK = np.cumsum(np.random.default_rng(3).standard_normal(480)) + 1000


@pytest.mark.parametrize(
    "values",
    [np.array([5.0]), np.full(100, 5.0), WALK, 1000 + 500 * np.sin(np.arange(480) / 38)],
    ids=["one value", "constant", "random walk", "sine"],
)
def test_deviations_have_mean_0_and_variance_1_at_each_slot(values: np.ndarray) -> None:
    found = standard(values, 81, 1)

    assert found.shape == (DRAWN, 81)
    assert found.mean(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert found.std(axis=0) == pytest.approx(1.0, abs=1e-9)


def test_the_same_seed_gives_the_same_deviations() -> None:
    assert np.array_equal(standard(WALK, 10, 1), standard(WALK, 10, 1))
    assert not np.array_equal(standard(WALK, 10, 1), standard(WALK, 10, 2))


def test_a_path_on_a_walk_remembers_where_it_was() -> None:
    found = standard(WALK, 81, 1)

    near, far = (np.corrcoef(found[:, 40], found[:, at])[0, 1] for at in (42, 80))

    assert near > 0.9
    assert 0.5 < far < near


def test_one_path_of_each_stratum_of_the_load_is_kept() -> None:
    paths = np.arange(128.0)[::-1, None] * np.ones(4)

    assert kept(paths)[:, 0].tolist() == [4.0 + 8 * stratum for stratum in range(KEPT)]
