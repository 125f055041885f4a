"""A vision transformer: patches, a class token, and PyTorch's encoder layers."""

import numpy as np
import torch
from torch import nn


class ViT(nn.Module):
    def __init__(self, image_size=12, patch_size=4, num_classes=5, dim=16, depth=2, heads=4):
        super().__init__()
        num_patches = (image_size // patch_size) ** 2
        self.patch = nn.Conv2d(3, dim, kernel_size=patch_size, stride=patch_size)
        self.pos_embedding = nn.Parameter(torch.randn(1, num_patches + 1, dim))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        layer = nn.TransformerEncoderLayer(
            d_model=dim, nhead=heads, dim_feedforward=2 * dim, dropout=0.0, activation="gelu",
            batch_first=True, norm_first=True,
        )  # fmt: skip
        self.transformer = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.mlp_head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, num_classes))

    def forward(self, img):
        x = self.patch(img).flatten(2).transpose(1, 2)
        b, n, _ = x.shape
        cls_tokens = self.cls_token.expand(b, -1, -1)
        x = torch.cat((cls_tokens, x), dim=1)
        x += self.pos_embedding[:, : (n + 1)]
        x = self.transformer(x)
        return self.mlp_head(x[:, 0])


def main(device, prepare, steps, dtype):
    random = np.random.RandomState(7)
    images = torch.from_numpy(random.rand(12, 3, 12, 12).astype(dtype)).to(device)
    labels = torch.from_numpy(random.randint(0, 5, 12)).to(device)
    model = prepare(ViT()).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    with torch.inference_mode():
        losses.append((model(images).argmax(-1) == labels).sum().item() / len(labels))
    return losses
