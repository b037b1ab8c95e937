import subprocess
import sys


def test_the_plugin_is_found_without_torch_and_scikit_learn():
    code = (
        "import sys, zoo, zoo_sklearn; names = zoo.list_specs(); "
        "assert {'gru-classifier', 'lstm-classifier', 'gru-regressor'} <= set(names), names; "
        "assert not {'torch', 'sklearn', 'numpy'} & set(sys.modules); "
        "from zoo_sklearn import SpecClassifier; assert 'sklearn' in sys.modules; "
        "assert zoo_sklearn.SpecClassifier is SpecClassifier; "
        "assert not hasattr(zoo_sklearn, 'SpecCluster')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
