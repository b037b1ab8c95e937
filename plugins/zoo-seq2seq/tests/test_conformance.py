from zoo.testing import parametrize_with_checks


@parametrize_with_checks(["translation", "translation@sutskever"])
def test_spec(check):
    check()
