"""Base URLs, the language of this request, and the texts that several modules share."""

from s3 import choose_language, speak

s3.base_url = f"{settings.get_base_public_url()}/{request.application}"
s3.download_url = f"{s3.base_url}/default/download"
s3.ROWSPERPAGE = 20

speak(choose_language(request.get_vars._language, auth.user and auth.user.language))

current.messages = messages = Storage(
    NONE="-",
    UNKNOWN_OPT=T("Unknown"),
    OBSOLETE=T("Obsolete"),
    COUNTRY=T("Country"),
    ORGANISATION=T("Organization"),
    NOT_APPLICABLE=T("N/A"),
    READ=T("Open"),
    UPDATE=T("Open"),
    DELETE=T("Delete"),
    COPY=T("Copy"),
)
current.ERROR = Storage(
    BAD_FORMAT=T("Unsupported data format!"),
    BAD_METHOD=T("Unsupported method!"),
    BAD_RECORD=T("Record not found!"),
    BAD_REQUEST=T("Invalid request"),
    BAD_RESOURCE=T("Nonexistent or invalid resource"),
    BAD_SOURCE=T("Invalid source"),
    BAD_TEMPLATE=T("XSLT Template not found"),
    DATA_IMPORT_ERROR=T("Data import error"),
    INTEGRITY_ERROR=T("Integrity error: record can not be deleted while it is referenced by other records"),
    METHOD_DISABLED=T("Method disabled"),
    NO_MATCH=T("No matching element found in the data source"),
    NOT_IMPLEMENTED=T("Not implemented"),
    NOT_PERMITTED=T("Operation not permitted"),
    PARSE_ERROR=T("XML parse error"),
    TRANSFORMATION_ERROR=T("XSLT Transformation Error"),
    UNAUTHORISED=T("Not Authorized"),
    VALIDATION_ERROR=T("Validation error"),
)

# What the page before a redirect had to say
for _kind in ("error", "warning", "confirmation", "information"):
    if session[_kind]:
        response[_kind] = session[_kind]
        session[_kind] = None
