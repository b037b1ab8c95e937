"""The built-in heads as records. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo.components import HeadType, Traits
from zoo.heads import options as heads

BOUNDED: Final = Traits(bounded=True)

HEADS: Final = (
    HeadType(
        name="linear",
        options=heads.LinearOptions,
        build="zoo.heads.linear:Linear",
        describe="zoo.heads.options:describe_linear",
        summary="One linear map, of all numbers of the maps if there are maps",
        traits=BOUNDED,
    ),
    HeadType(
        name="mlp",
        options=heads.MLPOptions,
        build="zoo.heads.mlp:MLP",
        describe="zoo.heads.options:describe_mlp",
        summary="Linear maps with an activation between them",
        traits=BOUNDED,
    ),
    HeadType(
        name="tied",
        options=heads.TiedOptions,
        build="zoo.heads.tied:Tied",
        describe="zoo.heads.options:describe_tied",
        summary="Scores for every symbol, with the embedding's weights",
        paper="Press and Wolf 2017, Using the output embedding to improve language models, EACL, arXiv:1608.05859; "
        "Inan, Khosravi and Socher 2017, Tying word vectors and word classifiers: a loss framework for language "
        "modeling, ICLR, arXiv:1611.01462",
        traits=BOUNDED,
    ),
    HeadType(
        name="mixture_of_softmaxes",
        options=heads.MixtureOfSoftmaxesOptions,
        build="zoo.heads.mixture_of_softmaxes:MixtureOfSoftmaxes",
        describe="zoo.heads.options:describe_mixture_of_softmaxes",
        summary="Log probabilities of symbols, from a mixture of several softmaxes",
        paper="Yang et al. 2018, Breaking the softmax bottleneck: a high-rank RNN language "
        "model, ICLR, arXiv:1711.03953",
        authority="github.com/zihangdai/mos, model.py",
        traits=BOUNDED,
    ),
    HeadType(
        name="mixture_density",
        options=heads.MixtureDensityOptions,
        build="zoo.heads.mixture_density:MixtureDensity",
        describe="zoo.heads.options:describe_mixture_density",
        summary="A density of real numbers: the parameters of mixtures of normal distributions",
        paper="Bishop 1994, Mixture density networks, Aston University technical report NCRG/94/004, "
        "https://publications.aston.ac.uk/id/eprint/373/; Graves 2013, Generating sequences with recurrent neural "
        "networks, preprint, arXiv:1308.0850; Ha and Schmidhuber 2018, World models, preprint, arXiv:1803.10122",
        authority="Graves's equations 15 to 26; github.com/hardmaru/WorldModelsExperiments, carracing/rnn/rnn.py",
        traits=BOUNDED,
    ),
    HeadType(
        name="ctc",
        options=heads.CTCOptions,
        build="zoo.heads.ctc:CTC",
        describe="zoo.heads.options:describe_ctc",
        summary="Scores of symbols and of a blank, trained without knowing when each symbol comes",
        paper="Graves et al. 2006, Connectionist temporal classification: labelling "
        "unsegmented sequence data with recurrent neural networks, ICML, doi:10.1145/1143844.1143891",
        authority="the sum over all paths of the paper's equation 3",
        steps=True,
        traits=BOUNDED,
    ),
    HeadType(
        name="crf",
        options=heads.CRFOptions,
        build="zoo.heads.crf:CRF",
        describe="zoo.heads.options:describe_crf",
        summary="Scores of labels with transitions between them: a linear-chain conditional random field",
        paper="Lafferty, McCallum and Pereira 2001, Conditional random fields: probabilistic models for segmenting and "
        "labeling sequence data, ICML, https://repository.upenn.edu/cis_papers/159/; Lample et al. 2016, Neural "
        "architectures for named entity recognition, NAACL, arXiv:1603.01360; Ma and Hovy 2016, End-to-end sequence "
        "labeling via bi-directional LSTM-CNNs-CRF, ACL, arXiv:1603.01354",
        authority="github.com/glample/tagger, model.py; github.com/XuezheMax/NeuroNLP2, neuronlp2/nn/crf.py",
        steps=True,
        traits=BOUNDED,
    ),
    HeadType(
        name="adaptive_softmax",
        options=heads.AdaptiveSoftmaxOptions,
        build="zoo.heads.adaptive_softmax:AdaptiveSoftmax",
        describe="zoo.heads.options:describe_adaptive_softmax",
        summary="A softmax over very many symbols, in clusters by their frequency; a run gives the features",
        paper="Grave et al. 2017, Efficient softmax approximation for GPUs, ICML, arXiv:1609.04309",
        authority="torch.nn.AdaptiveLogSoftmaxWithLoss",
        traits=BOUNDED,
    ),
    HeadType(
        name="normalise",
        options=heads.NormaliseOptions,
        build="zoo.heads.normalise:Normalise",
        describe="zoo.heads.options:describe_normalise",
        summary="Vectors of length 1, of the features or of a linear map of them",
        paper="Wan et al. 2018, Generalized end-to-end loss for speaker verification, ICASSP, arXiv:1710.10467",
        authority="github.com/resemble-ai/Resemblyzer, resemblyzer/voice_encoder.py",
        traits=BOUNDED,
    ),
)
