from zoo.testing import parametrize_with_checks


@parametrize_with_checks(["vgsl-line"])
def test_spec(check):
    check()
