from zoo.testing import parametrize_with_checks


@parametrize_with_checks(["leaky-rate"])
def test_spec(check):
    check()
