from zoo.testing import parametrize_with_checks


@parametrize_with_checks(["swing"])
def test_spec(check):
    check()
