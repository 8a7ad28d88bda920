"""What failures mean, and what people are told."""

import pytest
import requests
from google.api_core.exceptions import from_http_response
from google.auth.exceptions import RefreshError, TransportError

from hakube_gce.errors import (
    GatewayError,
    PermissionMissing,
    QuotaExceeded,
    ResourceNotFound,
    Unavailable,
    ZoneExhausted,
)
from hakube_gce.gce.classify import error_for, may_repeat, meaning, no_credentials
from hakube_gce.gce.failures import Failure, Outcome, read_failure, read_operation
from hakube_gce.gce.library import compute

INSTANCE = "zones/europe-west1-b/instances/kubernetes-master"


def answered(status: int, reason: str, message: str) -> Failure:
    response = requests.Response()
    response.status_code = status
    response.request = requests.Request("POST", "http://127.0.0.1/compute/v1/x").prepare()
    response.headers["Content-Type"] = "application/json"
    text = f'{{"error": {{"code": {status}, "message": "m", "errors": '
    text += f'[{{"reason": "{reason}", "message": "{message}"}}]}}}}'
    response._content = text.encode()  # noqa: SLF001 - requests has no constructor for answers
    return read_failure(from_http_response(response))  # type: ignore[no-untyped-call]  # nor api_core


def told(failure: Failure, resource: str = INSTANCE) -> GatewayError:
    return error_for(failure, resource=resource, project="acme-prod")


def test_a_quota_names_metric_and_limit() -> None:
    text = "Quota 'IN_USE_ADDRESSES' exceeded.  Limit: 8.0 in region europe-west1."
    error = told(answered(403, "quotaExceeded", text))
    assert isinstance(error, QuotaExceeded)
    assert error.message.startswith(
        f"quota IN_USE_ADDRESSES is used up (limit 8.0) for {INSTANCE}"
    )
    assert error.reason == "quotaExceeded"
    assert "acme-prod" in error.hint


def test_a_quota_in_an_operation_names_metric_and_limit() -> None:
    quota = compute.QuotaExceededInfo(metric_name="compute.googleapis.com/cpus", limit=24)
    detail = compute.ErrorDetails(quota_info=quota)
    errors = [compute.Errors(code="QUOTA_EXCEEDED", message="over", error_details=[detail])]
    operation = compute.Operation(
        error=compute.Error(errors=errors), http_error_status_code=403, http_error_message="NO"
    )
    failure = read_operation(operation)
    assert failure is not None
    assert "compute.googleapis.com/cpus is used up (limit 24)" in told(failure).message


def test_a_stockout_names_the_zone_and_sends_elsewhere_in_the_region() -> None:
    text = "The zone 'projects/p/zones/europe-west1-b' does not have enough resources available"
    error = told(answered(503, "ZONE_RESOURCE_POOL_EXHAUSTED", text))
    assert isinstance(error, ZoneExhausted)
    assert error.message.startswith("zone europe-west1-b has no machines left")
    assert "KUBE_GCE_ZONE" in error.hint
    assert "another zone of europe-west1" in error.hint


def test_a_missing_permission_is_named() -> None:
    text = "Required 'compute.instances.create' permission for 'projects/p/zones/z/instances/i'"
    error = told(answered(403, "forbidden", text))
    assert isinstance(error, PermissionMissing)
    assert error.message.startswith(
        f"permission compute.instances.create is missing on {INSTANCE}"
    )
    assert error.exit_status == 8


def test_a_permission_that_is_not_named_is_not_invented() -> None:
    error = told(answered(403, "forbidden", "Forbidden"))
    assert error.message.startswith(f"a permission is missing on {INSTANCE}: Forbidden")


def test_an_api_that_is_off_comes_with_the_command_that_switches_it_on() -> None:
    text = "Compute Engine API has not been used in project 4711 before or it is disabled."
    error = told(answered(403, "accessNotConfigured", text))
    assert isinstance(error, PermissionMissing)
    assert error.hint.endswith("gcloud services enable compute.googleapis.com --project=acme-prod")


@pytest.mark.parametrize(
    "error",
    [
        told(answered(401, "authError", "Invalid Credentials")),
        told(read_failure(RefreshError("Reauthentication is needed."))),  # type: ignore[no-untyped-call]  # google-auth says no types
        no_credentials("Your default credentials were not found."),
    ],
    ids=["rejected", "expired", "none"],
)
def test_without_an_account_both_ways_out_are_shown(error: GatewayError) -> None:
    assert isinstance(error, PermissionMissing)
    assert "gcloud auth application-default login" in error.hint
    assert "KUBERNETES_PROVIDER=emulator" in error.hint


def test_a_token_server_out_of_reach_is_passing_trouble() -> None:
    failure = read_failure(TransportError("no route"))  # type: ignore[no-untyped-call]  # google-auth says no types
    assert meaning(failure) is Unavailable
    assert may_repeat(failure)


def test_a_certificate_that_does_not_verify_is_not_tried_again() -> None:
    ssl = requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    failure = read_failure(ssl)
    assert not may_repeat(failure)
    assert "REQUESTS_CA_BUNDLE" in told(failure).hint


def test_an_operation_without_an_error_succeeded() -> None:
    assert read_operation(compute.Operation(status=compute.Operation.Status.DONE)) is None


def test_an_http_status_alone_makes_an_operation_a_failure() -> None:
    operation = compute.Operation(http_error_status_code=404, http_error_message="NOT FOUND")
    failure = read_operation(operation)
    assert failure is not None
    assert meaning(failure) is ResourceNotFound
    assert "NOT FOUND" in told(failure).message


def test_every_error_of_an_operation_is_told() -> None:
    errors = [
        compute.Errors(code="A", message="first"),
        compute.Errors(code="B", message="second"),
    ]
    failure = read_operation(compute.Operation(error=compute.Error(errors=errors)))
    assert failure is not None
    assert "first; second" in told(failure).message


def test_what_ended_in_an_operation_is_not_repeated_although_it_may_pass() -> None:
    failure = Failure(
        status=500, reasons=("INTERNAL_ERROR",), message="oops", outcome=Outcome.FINAL
    )
    assert meaning(failure) is Unavailable
    assert not may_repeat(failure)


def test_a_reason_that_passes_counts_wherever_it_stands() -> None:
    reasons = ("quotaExceeded", "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED")
    failure = Failure(status=403, reasons=reasons, message="no", outcome=Outcome.NOTHING)
    assert may_repeat(failure)


def test_an_exception_that_is_no_failed_call_is_a_bug() -> None:
    with pytest.raises(TypeError, match="not a failed call"):
        read_failure(KeyError("x"))
