"""A command's words are read in any order, or refused in a sentence."""

import pytest

from runner.arguments import for_hydra
from runner.errors import BadInput


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("-m dropout=true,false", "-m dropout=true,false"),
        ("dropout=true,false -m", "-m dropout=true,false"),
        ("--config-dir mine -m dropout=true,false", "--config-dir mine -m dropout=true,false"),
        ("dropout=true,false -cd mine -m", "-cd mine -m dropout=true,false"),
        ("dropout=false --cfg job", "--cfg job dropout=false"),
        ("dropout=false --info", "--info dropout=false"),
        ("-m dropout=true,false --multirun -m", "-m --multirun -m dropout=true,false"),
        ("-m dropout=true,false --hydra-help", "--hydra-help"),
        ("--config-dir=mine --cfg=job", "--config-dir=mine --cfg=job"),
        ("a=~/x.npz,~/y.npz b=x~/y c='~/z'", "a='~/x.npz','~/y.npz' b=x~/y c='~/z'"),
        ("--info plugins dropout=false", "--info plugins dropout=false"),
        ("-m until=decided,futile", "-m until=[decided,futile]"),
        ("-m analysis.sesoi.mae=0.5 +x=1", "-m ++analysis.sesoi.mae=0.5 +x=1"),
    ],
)
def test_flags_keep_their_values_wherever_they_stand(typed, read):
    assert for_hydra(typed.split()) == read.split()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("--config-dir", "--config-dir must be followed by its value; got nothing."),
        ("--config-name -m", "--config-name must be followed by its value; got -m."),
        ("--cfg dropout=true", "--cfg must be followed by its value; got dropout=true."),
        ("-m --cfg job", "-m and --cfg ask for different things. Leave one of them out."),
        (
            "-m dropout=true dropout=false",
            "dropout must be written once; got dropout=true dropout=false. Write dropout=true,false for several levels "
            "(a shell takes braces apart).",
        ),
        ("-m a=1,2 a=2", "a must be written once; got a=1,2 a=2. Write a=1,2 for several levels"),
        ("-x a=1", "-x is no option of this program. Options are -m, --help, --version and"),
        ("--multirn a=1", "--multirn is no option of this program. Did you mean --multirun"),
        ("-m seed=0,1 ++seed=0,1", "seed must be written once; got seed=0,1 ++seed=0,1. Write seed=0,1 for"),
    ],
)
def test_what_cannot_be_meant_so_is_refused(typed, sentence):
    with pytest.raises(BadInput) as refused:
        for_hydra(typed.split())
    assert str(refused.value).startswith(sentence)
