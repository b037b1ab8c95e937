from zoo.testing import parametrize_with_checks


@parametrize_with_checks(["gru-classifier", "lstm-classifier", "gru-regressor"])
def test_spec(check):
    check()
