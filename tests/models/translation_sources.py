"""The forward passes of published encoder-decoders, arranged as their sources do, from torch's own modules.

Each is written from the source that it names, apart from zoo: an outside value for the models of specs/translation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class GNMT(nn.Module):
    """mlcommons/training, rnn_translator/pytorch/seq2seq/models: ResidualRecurrentEncoder, ResidualRecurrentDecoder.

    Nothing of the encoder's states is handed over (`hidden` is None in GNMT.forward); the first layer of the decoder
    asks; its context stands behind the input of every later layer, and the residual adds what was there without it.
    """

    def __init__(self, symbols: int, size: int, units: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedder = nn.Embedding(symbols, size, padding_idx=0)
        self.first = nn.LSTM(size, units, batch_first=True, bidirectional=True)
        self.encoder = nn.ModuleList(
            nn.LSTM(2 * units if index == 0 else units, units, batch_first=True) for index in range(3)
        )
        self.asker = nn.LSTM(size, units, batch_first=True)
        self.decoder = nn.ModuleList(nn.LSTM(2 * units, units, batch_first=True) for _ in range(3))
        self.linear_q = nn.Linear(units, units, bias=False)
        self.linear_k = nn.Linear(units, units, bias=False)
        self.linear_att = nn.Parameter(torch.empty(units))
        self.normalize_scalar = nn.Parameter(torch.empty(1))
        self.normalize_bias = nn.Parameter(torch.empty(units))
        self.classifier = nn.Linear(units, symbols)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embedder(source), lengths, batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.first(packed)[0], batch_first=True)
        x, _ = self.encoder[0](x)
        for layer in self.encoder[1:]:
            residual = x
            x, _ = layer(x)
            x = x + residual
        context = x

        x, _ = self.asker(self.embedder(target))
        attention = self.attention(x, context, lengths)
        x, _ = self.decoder[0](torch.cat((x, attention), dim=2))
        for layer in self.decoder[1:]:
            residual = x
            x, _ = layer(torch.cat((x, attention), dim=2))
            x = x + residual
        return self.classifier(x)

    def attention(self, query: Tensor, keys: Tensor, lengths: Tensor) -> Tensor:
        sum_qk = self.linear_q(query).unsqueeze(2) + self.linear_k(keys).unsqueeze(1) + self.normalize_bias
        v = self.linear_att / self.linear_att.norm() * self.normalize_scalar
        scores = torch.tanh(sum_qk).matmul(v)
        mask = torch.arange(keys.shape[1]) >= lengths.unsqueeze(1)
        scores = scores.masked_fill(mask.unsqueeze(1), -65504.0)
        return torch.bmm(F.softmax(scores, dim=-1), keys)


class Luong(nn.Module):
    """facebookresearch/fairseq, fairseq/models/lstm.py: LSTMEncoder, LSTMDecoder, AttentionLayer.

    The decoder starts from the encoder's last states, layer by layer; what attention gives is the head's input, and
    stands behind the next symbol's vector as `input_feed`, zero at first.
    """

    def __init__(self, symbols: int, size: int, units: int, layers: int) -> None:
        super().__init__()
        self.source_tokens = nn.Embedding(symbols, size, padding_idx=1)
        self.target_tokens = nn.Embedding(symbols, size, padding_idx=1)
        self.lstm = nn.LSTM(size, units, layers)
        self.layers = nn.ModuleList(nn.LSTMCell(units + size if i == 0 else units, units) for i in range(layers))
        self.input_proj = nn.Linear(units, units, bias=False)
        self.output_proj = nn.Linear(2 * units, units, bias=False)
        self.fc_out = nn.Linear(units, symbols)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        x = self.source_tokens(source).transpose(0, 1)
        packed, (hiddens, cells) = self.lstm(pack_padded_sequence(x, lengths, enforce_sorted=False))
        outs, _ = pad_packed_sequence(packed)
        mask = (torch.arange(len(outs)).unsqueeze(1) >= lengths).to(torch.bool)

        x = self.target_tokens(target).transpose(0, 1)
        hidden, cell = list(hiddens), list(cells)
        feed = x.new_zeros(len(source), self.fc_out.in_features)
        found = []
        for step in x:
            given = torch.cat((step, feed), dim=1)
            for i, layer in enumerate(self.layers):
                hidden[i], cell[i] = layer(given, (hidden[i], cell[i]))
                given = hidden[i]
            scores = (outs * self.input_proj(given).unsqueeze(0)).sum(dim=2).masked_fill(mask, float("-inf"))
            mixed = (F.softmax(scores, dim=0).unsqueeze(2) * outs).sum(dim=0)
            feed = torch.tanh(self.output_proj(torch.cat((mixed, given), dim=1)))
            found.append(feed)
        return self.fc_out(torch.stack(found).transpose(0, 1))


class Sutskever(nn.Module):
    """Sutskever et al. 2014, sections 2 and 3.3: the source backwards, and the last state as the decoder's first.

    Cells as in torch, with one of their two biases at zero; no bias in the softmax.
    """

    def __init__(self, source: int, target: int, size: int, units: int, layers: int) -> None:
        super().__init__()
        self.source_tokens, self.target_tokens = nn.Embedding(source, size), nn.Embedding(target, size)
        self.encoder = nn.LSTM(size, units, layers, batch_first=True)
        self.decoder = nn.LSTM(size, units, layers, batch_first=True)
        self.softmax = nn.Linear(units, target, bias=False)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        _, state = self.encoder(self.source_tokens(source.flip(1)))
        return self.softmax(self.decoder(self.target_tokens(target), state)[0])


class Tutorial(nn.Module):
    """pytorch/tutorials, seq2seq_translation_tutorial.py (2023): EncoderRNN, BahdanauAttention, AttnDecoderRNN.

    The state before the step asks, and the context stands behind the symbol's vector.
    """

    def __init__(self, source: int, target: int, hidden: int) -> None:
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(source, hidden), nn.Embedding(target, hidden)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True)
        self.Wa, self.Ua, self.Va = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, target)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        outputs, hidden = self.encoder(self.source_embedding(source))
        found = []
        for symbol in target.unbind(1):
            embedded = self.target_embedding(symbol.unsqueeze(1))
            scores = self.Va(torch.tanh(self.Wa(hidden.permute(1, 0, 2)) + self.Ua(outputs)))
            weights = F.softmax(scores.squeeze(2).unsqueeze(1), dim=-1)
            output, hidden = self.gru(torch.cat((embedded, torch.bmm(weights, outputs)), dim=2), hidden)
            found.append(self.out(output))
        return torch.cat(found, dim=1)
