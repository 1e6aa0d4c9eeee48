"""Words that names of a computing centre are made of."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ADJECTIVES",
    "AGENCIES",
    "CLUSTERS",
    "DEPARTMENTS",
    "FIRST_NAMES",
    "JOURNALS",
    "LAST_NAMES",
    "METHODS",
    "REMARKS",
    "ROLES",
    "SUBJECTS",
]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES: Final = _words(
    "Ada Amir Anita Astrid Benedikt Bruno Carmen Cecilia Chidi Clara Daniel Dara Elena Emil Esther Farah Felix Fiona "
    "Gabriel Greta Hana Hugo Ines Ivan Jasmin Jonas Julia Kamal Karin Kofi Laila Leon Lina Lukas Magda Malik Maria "
    "Mateo Mei Mina Nadia Nils Noor Olga Oscar Paula Pavel Priya Rafael Rosa Samir Selma Simon Sofia Tara Theo Uma "
    "Vera Viktor Yara Yusuf Zoe"
)
LAST_NAMES: Final = _words(
    "Abebe Adler Alvarez Andersen Baker Bauer Becker Berg Bianchi Chen Costa Dahl Diallo Dubois Eriksen Evans Farkas "
    "Fischer Fontaine Garcia Greene Haas Hansen Horvat Ibrahim Ito Jansen Johansson Kaya Keller Khan Kim Kovacs "
    "Kowalski Kumar Larsen Lehmann Lopez Mahler Marino Mbeki Meyer Moreau Moretti Nagy Nakamura Nguyen Novak Okafor "
    "Olsen Ortega Park Patel Petrov Quinn Ramos Reyes Richter Romano Rossi Sato Schmidt Silva Singh Sommer Suzuki "
    "Tanaka Torres Ueda Vargas Visser Vogel Wagner Walsh Weber Wong Yilmaz Young Zhang Zimmer"
)
DEPARTMENTS: Final = (
    "Astronomy",
    "Bioengineering",
    "Biology",
    "Chemical Engineering",
    "Chemistry",
    "Civil Engineering",
    "Computer Science",
    "Earth Sciences",
    "Economics",
    "Electrical Engineering",
    "Linguistics",
    "Materials Science",
    "Mathematics",
    "Mechanical Engineering",
    "Medicine",
    "Neuroscience",
    "Physics",
    "Psychology",
    "Statistics",
)
ROLES: Final = (
    "Professor",
    "Associate Professor",
    "Research Scientist",
    "Postdoc",
    "PhD Student",
    "Student",
    "Engineer",
)
SUBJECTS: Final = (
    "aerosols",
    "brain networks",
    "catalysts",
    "climate models",
    "coastal floods",
    "crystal growth",
    "dark matter halos",
    "drug candidates",
    "earthquake waves",
    "energy markets",
    "galaxy clusters",
    "gene expression",
    "glacier flow",
    "language models",
    "membrane proteins",
    "neutron stars",
    "perovskite cells",
    "plasma turbulence",
    "polymer melts",
    "protein folding",
    "quantum spin chains",
    "soil moisture",
    "traffic flow",
    "tumor growth",
    "turbulent jets",
    "viral evolution",
    "wind farms",
)
METHODS: Final = (
    "Bayesian inference for",
    "Data assimilation for",
    "Deep learning on",
    "Density functional theory of",
    "Finite element models of",
    "Graph methods for",
    "High-throughput screening of",
    "Image analysis of",
    "Large-eddy simulation of",
    "Molecular dynamics of",
    "Monte Carlo studies of",
    "Multiscale models of",
    "Population models of",
    "Uncertainty quantification for",
)
ADJECTIVES: Final = (
    "Adaptive",
    "Applied",
    "Coastal",
    "Computational",
    "Data-driven",
    "Molecular",
    "Nonlinear",
    "Quantitative",
    "Statistical",
    "Theoretical",
)
AGENCIES: Final = (
    "Academy of Sciences",
    "Cancer Research Fund",
    "Climate Initiative",
    "Energy Research Office",
    "Institute of Health",
    "National Science Foundation",
    "Naval Research Office",
    "Space Agency",
)
JOURNALS: Final = (
    "Annals of Simulation",
    "Climate Dynamics Letters",
    "Computational Matter",
    "Journal of Applied Genomics",
    "Journal of Numerical Physics",
    "Letters in Catalysis",
    "Methods in Neuroscience",
    "Proceedings on Scientific Computing",
    "Reviews of Astrophysics",
)
CLUSTERS: Final = (
    ("atlas", "General purpose, 18,432 cores"),
    ("borealis", "Large memory, up to 6 TB on a node"),
    ("comet", "GPUs, 320 of them"),
    ("delta", "Fast network, for jobs of many nodes"),
    ("ember", "High throughput, single-core jobs"),
    ("fjord", "Interactive work and teaching"),
    ("granite", "Secure data, by invitation"),
    ("horizon", "The old one, to be switched off"),
)
REMARKS: Final = (
    "Could you tell how the service units were estimated?",
    "Scaling tests are attached.",
    "The numbers were corrected, thank you.",
    "Please name the software that you will run.",
    "We use the group's own code, under an open license.",
    "The grant was prolonged by six months.",
    "Half of the jobs can run on the older nodes.",
    "Looks good to me.",
)
