"""A recurrent model of characters, with its state carried from batch to batch."""

import torch
import torch.nn as nn


class CharModel(nn.Module):
    def __init__(self, vocabulary, hidden_size=24, num_layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 12)
        self.rnn = nn.LSTM(12, hidden_size, num_layers, batch_first=True)
        self.decoder = nn.Linear(hidden_size, vocabulary)

    def forward(self, input_seq, hidden_state):
        embedding = self.embedding(input_seq)
        output, hidden_state = self.rnn(embedding, hidden_state)
        output = self.decoder(output)
        return output, (hidden_state[0].detach(), hidden_state[1].detach())


def main(device, prepare, steps, dtype):
    text = "the quick brown fox jumps over the lazy dog and runs away from the angry bear. " * 4
    chars = sorted(set(text))
    char_to_ix = {ch: i for i, ch in enumerate(chars)}
    data = torch.tensor([char_to_ix[ch] for ch in text], dtype=torch.long).to(device)
    model = prepare(CharModel(len(chars))).to(device)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    seq_len, losses = 16, []
    for epoch in range(steps // 5):
        hidden_state, pointer = None, 0
        for _ in range(5):
            input_seq = data[pointer : pointer + seq_len].unsqueeze(0)
            target_seq = data[pointer + 1 : pointer + seq_len + 1].unsqueeze(0)
            output, hidden_state = model(input_seq, hidden_state)
            loss = loss_fn(output.squeeze(0), target_seq.squeeze(0))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            losses.append(loss.item())
            pointer += seq_len
    model.eval()
    with torch.no_grad():
        output, _ = model(data[:1].unsqueeze(0), None)
        losses += torch.topk(torch.softmax(output[0, 0], dim=-1), 3)[0].tolist()
    return losses
