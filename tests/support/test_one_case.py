from dataclasses import dataclass

from tests.support.one_case import one_case_of_each


@dataclass(frozen=True)
class Item:
    nodeid: str


FIRST = [Item(f"tests/test_a.py::test_first[{case}]") for case in ("x", "y[0]", "z")]
OTHERS = [Item("tests/test_a.py::test_firsts"), Item("tests/test_b.py::test_first[x]")]


def test_each_function_keeps_one_case():
    chosen = one_case_of_each([*FIRST, *OTHERS], seed=1)
    assert (len(chosen & set(FIRST)), chosen - set(FIRST)) == (1, set(OTHERS))


def test_a_seed_chooses_the_same_cases_in_any_order_of_the_tests():
    assert one_case_of_each(FIRST, seed=1) == one_case_of_each(FIRST[::-1], seed=1)


def test_every_case_has_its_turn():
    assert set().union(*(one_case_of_each(FIRST, seed) for seed in range(30))) == set(FIRST)
