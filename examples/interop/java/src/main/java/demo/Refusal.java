package demo;

import facade.v1.Code;
import facade.v1.Error;
import facade.v1.Execution;
import io.grpc.Status;

/** Why a call failed before its method was begun: its caller may send it again. */
final class Refusal extends Exception {
    private final Code code;
    private final Status.Code status;

    private Refusal(Code code, Status.Code status, String message) {
        super(message);
        this.code = code;
        this.status = status;
    }

    static Refusal unknown(String what) {
        return new Refusal(
                Code.CODE_METHOD_NOT_FOUND,
                Status.Code.UNIMPLEMENTED,
                "there is no " + what + " here");
    }

    static Refusal misfit(String message) {
        return new Refusal(Code.CODE_SERIALIZATION, Status.Code.INVALID_ARGUMENT, message);
    }

    Error error() {
        return Error.newBuilder()
                .setCode(code)
                .setStatus(status.value())
                .setMessage(getMessage())
                .setExecution(Execution.EXECUTION_NOT_STARTED)
                .build();
    }
}
