"""What is read, what is refused and where, and that nothing breaks the reader."""

import random
import string

import pytest
from test_against_kraken import LINES

import zoo
from zoo_vgsl.reader import read

WRONG = {
    "": ("", "a line begins with '['"),
    "1,48,0,1": ("1", "a line begins with '['"),
    "[1,48,0,1 Lbx5": ("5", "a line ends with ']'"),
    "[]": ("[", "the line is empty: it begins with [<batch>,<height>,<width>,<channels>"),
    "[48,0,1 Lbx5]": ("48,0,1", "the first block is <batch>,<height>,<width>,<channels>, as in 1,48,0,1"),
    "[1,0,0,1 Lfys5]": ("1,0,0,1", "a spec needs the height of its images: write it in place of the 0"),
    "[1,48,0,1]": ("]", "the line has no layer"),
    "[1,1,0,8 Lbx0]": ("Lbx0", "the number of units must be at least 1, not 0"),
    "[1,1,0,8 Qx5]": ("Qx5", "no block begins with 'Q': there are C, L, G, Mp, S, Do, Gn and O"),
    "[1,1,0,8 Lb5]": ("Lb5", "the form of this block is L(f|r|b)(x|y)[s]<units>"),
    "[1,1,0,8 Lbx5 O1b9]": ("O1b9", "the form of this block is O1(c|l|s)<outputs>"),
    "[1,48,0,1 Cr3,3,32x]": (
        "Cr3,3,32x", "the form of this block is C(s|t|r|l|lr|m)<y>,<x>,<channels>[,<stride y>,<stride x>]"
        "[,<dilation y>,<dilation x>]",
    ),
    "[1,48,0,1 CTr3,3,32]": ("CTr3,3,32", "zoo has no transposed convolution"),
    "[1,48,0,1 Cm3,3,32]": ("Cm3,3,32", "zoo has no softmax over channels between layers"),
    "[1,48,0,1 Cr3,3,32,1,1,2,2]": ("Cr3,3,32,1,1,2,2", "convolutions over two axes have no dilation in zoo"),
    "[1,2,0,1 Mp3,3]": ("Mp3,3", "a window of 3 rows is higher than the 2 rows that are left"),
    "[1,48,0,1 Gn4]": ("Gn4", "Gn is a mean over the whole width, and the norms of zoo see one step at a time"),
    "[1,48,0,1 Lbx5]": (
        "Lbx5", "x would read 48 rows apart: move them to the channels with S1(1x48)1,3, or read them with Lfys<units>"
    ),
    "[1,48,0,1 Lby5]": ("Lby5", "y without s leaves a row for each row, which no layer of zoo gives: write s behind y"),
    "[1,48,0,1 Lbys5]": (
        "Lbys5", "b with s keeps the backward direction's first step only, which no pool of zoo does: write f"
    ),
    "[1,1,0,48 Lbxo5]": ("Lbxo5", "o, the LSTM of ocropus, is not read"),
    "[1,24,0,1 S1(1x12)1,3]": ("S1(1x12)1,3", "1 x 12 are 12 rows, and there are 24 here"),
    "[1,24,0,1 S1(2x12)1,3]": ("S1(2x12)1,3", "2 rows would be left: a spec can only move all 24 to the channels"),
    "[1,24,0,1 S1(5x0)1,3]": ("S1(5x0)1,3", "there are 24 rows here, which 5 does not divide"),
    "[1,24,0,1 S1(0x0)1,3]": ("S1(0x0)1,3", "only one of the two parts may be 0, the one that is found out"),
    "[1,24,0,1 S3(1x1)1,3]": ("S3(1x1)1,3", "a spec can only move rows to the channels, as S1(1x<rows>)1,3 does"),
    "[1,24,0,1 S1(1x24)2,3]": ("S1(1x24)2,3", "one of the two parts must stay in axis 1"),
    "[1,1,0,8 Lbx5 Cr3,3,4]": ("Cr3,3,4", "behind a recurrent layer of zoo there are no channels and rows any more"),
    "[1,1,0,8 Lfxs5 Lfx4]": ("Lfx4", "behind a layer that keeps its last column only, a spec has its head"),
    "[1,1,0,8 Lfxs5 O1c4]": ("O1c4", "CTC needs an output at every column, and one is left"),
    "[1,1,0,8 Lbx5 O2l4]": ("O2l4", "O2 is a map of the whole image, and a model of zoo reads it column by column"),
    "[1,1,0,8 Lbx5 O0s4]": (
        "O0s4", "kraken does not support O0 either; O1 behind Lfxs<units> gives one output for an image"
    ),
    "[1,1,0,8 Lbx5 O1ca4]": ("O1ca4", "a, a one beside the features, is not read: the bias is the same"),
    "[1,1,0,8 Lbx5 O1c1]": ("O1c1", "there must be at least 2 outputs"),
    "[1,1,0,8 Lbx5 O1c4 Do]": ("Do", "nothing can stand behind the output"),
    "[1,1,0,8 Do1 Lbx5]": ("Do1", "a rate must be below 1, not 1"),
    "[1,1,0,8 Do,3 Lbx5]": ("Do,3", "dropout is in 1 or 2 dimensions, not in 3"),
    "[1,1,0,8 Lbx{a}5 Lbx{A}5]": ("Lbx{A}5", "a second layer is called 'A'"),
    "[1,1,0,8 Lbx{1}5]": ("Lbx{1}5", "a layer cannot be called '1' in a spec: letters, digits and '_', a letter first"),
    "[1,8,0,1 (Cr3,3,4 Cr3,3,4)]": (
        "(Cr3,3,4", "layers in parallel are not read: a spec says them with `name`, `from` and `join`"
    ),
    "[1,8,0,1 [Cr3,3,4 Do]]": (
        "[Cr3,3,4", "a series inside the series is not read: write its layers without brackets"
    ),
    "[1,1,0,8 Lbx99999999999999999999]": ("Lbx99999999999999999999", "no number is larger than 1,000,000"),
    "[1,1,0,8 Lbx\u0665]": ("\u0665", "a line has ASCII letters only"),
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_said_is_told_at_its_place(line):
    with pytest.raises(zoo.LineError) as caught:
        read(line)
    assert (line[caught.value.start : caught.value.end], caught.value.message) == WRONG[line]


def test_the_keys_of_a_line():
    assert read(" [1,48,32,3 Ct{One}3,5,8,2,1 Do.25 Lfys6 Lbx{two}4] ").keys == {
        "requires": ["zoo-vgsl>=0.1"],
        "input": {"kind": "image", "height": 48, "channels": 3},
        "layers": [
            {
                "name": "one",
                "kind": "conv2d",
                "axes": ["time", "features"],
                "channels": 8,
                "kernel_size": [5, 3],
                "stride": [1, 2],
                "padding": [2, 1],
                "activation": "tanh",
            },
            {"kind": "dropout", "dropout": 0.25},
            {"kind": "rows"},
            {"kind": "each", "layers": [{"cell": "lstm", "hidden_size": 6}], "pool": "last"},
            {"name": "two", "cell": "lstm", "hidden_size": 4, "bidirectional": True},
        ],
    }


def test_what_a_line_leaves_open_is_said():
    remarks = read("[1,1,20,14 Grx4 O{out}1c5]").remarks
    assert [remark.partition(":")[0].split()[0] for remark in remarks] == ["The", "G", "r", "The", "kraken's"]


def outcome(line):
    """The keys of a line, or why it is refused."""
    try:
        return read(line).keys, None
    except zoo.LineError as error:
        return None, error


def valid(keys):
    try:
        zoo.load({"schema": 1, "name": "read", **keys})
    except zoo.SpecError:
        return False
    return True


def test_mutated_lines_are_read_or_refused_and_nothing_else():
    chance = random.Random(0)
    letters = 20 * string.digits + "[](){},.xX CLGMpSDoOnfrbysclatm_-\t\n\x00é" + string.punctuation
    read_well = 0
    for _ in range(2000):
        line = list(chance.choice(LINES))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(line))
            what = chance.randrange(4)
            if what == 0:
                line[place] = chance.choice(letters)
            elif what == 1:
                line.insert(place, chance.choice(letters))
            elif what == 2 and len(line) > 1:
                del line[place]
            else:
                other = chance.randrange(len(line))
                line[place], line[other] = line[other], line[place]
        text = "".join(line)
        keys, refused = outcome(text)
        if refused is not None:
            assert 0 <= refused.start <= refused.end <= len(text), text
            assert "\n" not in refused.message
            continue
        read_well += 1
        numbers = "".join(c if c.isdigit() else " " for c in text).split()
        assert valid(keys) or any(int(n) > 1000 for n in numbers), text
    assert read_well > 100
