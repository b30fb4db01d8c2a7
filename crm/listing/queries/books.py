"""The books of the listing reserve."""

from __future__ import annotations

from crm.core.pipeline import Books
from crm.listing.models import Candidate, CandidateEvidence, CandidateMove, CandidateWaiver
from crm.listing.rules.stages import PIPELINE

BOOKS = Books(
    PIPELINE, "candidate", "candidate_id", Candidate, CandidateMove, CandidateWaiver, CandidateEvidence
)
