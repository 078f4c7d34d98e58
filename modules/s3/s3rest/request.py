"""S3Request: one REST request: what it addresses, in which format, and who handles it.

Made by :func:`s3.s3controller.s3_rest_controller` from the web2py request; :mod:`s3.s3rest.dispatch` runs it.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from gluon import current
from gluon.storage import Storage

from s3.s3error import S3RecordError, S3RequestError
from s3.s3filter import translate_controls
from s3.s3resource import S3Resource
from s3.s3rest.address import DEFAULT_REPRESENTATION, split_args, split_extension
from s3.s3rest.body import read_form
from s3.s3rest.dispatch import run_request
from s3.s3rest.errors import REQUEST_ERRORS, fail_request, status_of
from s3.s3rest.url import build_url
from s3.s3utils import s3_get_extension
from s3dal import Row, Table

__all__ = ("S3Request", "s3_request")

HTTP_VERBS = ("GET", "PUT", "POST", "DELETE")

# a handler for every format that has none of its own
ANY_FORMAT = "*"

Handler = Callable[..., Any]


class S3Request:
    """A request to a resource, ``/<app>/<controller>/<function>[.<ext>][/<id>][/<component>[/<id>]][/<method>]``.

    What is not found here is looked up in the web2py request.

    Source: Eden s3rest.py S3Request
    """

    INTERACTIVE_FORMATS = (DEFAULT_REPRESENTATION,)
    DEFAULT_REPRESENTATION = DEFAULT_REPRESENTATION

    def __init__(
        self,
        prefix: str | None = None,
        name: str | None = None,
        r: Any = None,
        c: str | None = None,
        f: str | None = None,
        args: list[str] | None = None,
        vars: dict[str, Any] | None = None,
        extension: str | None = None,
        get_vars: dict[str, Any] | None = None,
        post_vars: dict[str, Any] | None = None,
        http: str | None = None,
    ) -> None:
        """
        Args:
            prefix, name: the table is <prefix>_<name>; default controller and function
            r: the request to read everything from that is not given; default the current one
            c, f: another page: needs the permission to read it
            args, vars, extension, get_vars, post_vars, http: replace those of the request;
                ``vars`` alone stands for a GET

        Raises:
            S3RecordError: no such record, or not for this user
            S3RequestError: no such table or component
            S3SelectorError, S3FilterValueError: a filter in the URL that cannot be applied
        """
        base = current.request if r is None else getattr(r, "base_request", r)
        self.base_request = base
        self._set_page(base, c, f, extension)
        self._set_vars(base, vars, get_vars, post_vars)
        self.args: list[str] = list(base.args or []) if args is None else list(args)
        verb = (http or base.env.request_method or "GET").upper()
        self.http = "GET" if verb == "HEAD" else verb
        self.prefix = prefix or self.controller
        self.name = name or self.function
        self.tablename = f"{self.prefix}_{self.name}"
        self.representation = s3_get_extension(self)
        self.interactive = self.representation in self.INTERACTIVE_FORMATS
        self._handlers: dict[tuple[str | None, str, str], Handler] = {}
        self.custom_action: Any = None
        self.next: str | None = None
        self.files = Storage()
        self._set_target()
        self._set_resource()

    def __getattr__(self, key: str) -> Any:
        # only for what is not set here; "base_request" itself is missing while an instance is unpickled or copied
        if key.startswith("__") or key == "base_request":
            raise AttributeError(key)
        base = self.base_request
        if key in base:
            return base[key]
        # web2py computes some of its attributes (body, cookies) on access
        return object.__getattribute__(base, key)

    # -- construction ----------------------------------------------------

    def _set_page(self, base: Any, c: str | None, f: str | None, extension: str | None) -> None:
        """Set controller, function and extension; another page than the current one needs its own permission."""
        function, own_extension = split_extension(f) if f else (base.function, None)
        self.controller: str = c or base.controller
        self.function: str = function
        self.extension: str = extension or own_extension or base.extension or DEFAULT_REPRESENTATION
        if c or f:
            permission = current.auth.permission
            if not permission.has_permission("read", c=self.controller, f=self.function):
                permission.fail()

    def _set_vars(self, base: Any, vars: Any, get_vars: Any, post_vars: Any) -> None:
        """Set the variables; this request has its own copies."""
        if vars is not None and get_vars is None and post_vars is None:
            get_vars, post_vars = vars, {}
        self.get_vars = translate_controls(base.get_vars if get_vars is None else get_vars)
        self.post_vars = Storage(_form_vars(base) if post_vars is None else post_vars)
        self.vars = Storage(self.get_vars)
        self.vars.update(self.post_vars)

    def _set_target(self) -> None:
        """Find record, component and method in the URL arguments."""
        self.id: Any
        self.id, names = split_args(self.args)
        self.component_name: str | None = None
        self.component_id: Any = None
        self.method: str | None = None
        s3db = current.s3db
        self.table: Table = s3db.table(self.tablename)
        if self.table is None:
            raise S3RequestError(f"There is no resource {self.tablename}.")
        for position, (name, record_id) in enumerate(names):
            is_first = position == 0
            if is_first and s3db.get_component(self.tablename, name):
                self.component_name, self.component_id = name, record_id
                continue
            if self.method is not None:
                raise S3RequestError(f"There is no component {self.method} of {self.tablename}.")
            self.method = name
            self._attach_id(record_id)

    def _attach_id(self, record_id: str | None) -> None:
        """Take an id after the method for the record that has none yet (update/5 is 5/update)."""
        if self.component_name:
            self.component_id = self.component_id or record_id
        else:
            self.id = self.id or record_id

    def _set_resource(self) -> None:
        """Set up the resource with its component, and load the record."""
        self.record: Row | None = None
        self.component: S3Resource | None = None
        self.link: S3Resource | None = None
        self.link_id: Any = None
        filters = Storage(self.get_vars)
        if self.component_id:
            key = f"{self.component_name}.id"
            given = filters.get(key)
            given = given if isinstance(given, list) else [given] if given else []
            filters[key] = [*given, str(self.component_id)] if given else str(self.component_id)
        uid = self.get_vars.get(f"{self.name}.uid")
        uid = uid if isinstance(uid, str) else None
        approved, unapproved = self._approval()
        self.resource = S3Resource(
            self.tablename,
            id=int(self.id) if self.id else None,
            uid=uid,
            filter=current.response.s3.filter,
            vars=filters,
            components=[self.component_name] if self.component_name else None,
            filter_component=self.component_name,
            approved=approved,
            unapproved=unapproved,
            context=True,
        )
        self.table = self.resource.table
        if self.id or uid:
            self._load_record()
        if self.component_name:
            self._set_component()

    def _approval(self) -> tuple[bool, bool]:
        """Whether approved and whether unapproved records are addressed."""
        if not current.deployment_settings.get_auth_record_approval():
            return True, False
        if self.method == "review":
            return False, True
        return True, bool(current.auth.s3_has_permission("review", self.table, record_id=self.id))

    def _load_record(self) -> None:
        rows = self.resource.load()
        if len(rows) != 1:
            raise S3RecordError(str(current.ERROR.BAD_RECORD))
        self.record = rows[0]
        self.id = self.record[self.table._id.name]

    def _set_component(self) -> None:
        self.component = self.resource.components.get(self.component_name or "")
        if self.component is None:
            raise S3RequestError(f"There is no component {self.component_name} of {self.tablename}.")
        self.link = self.component.link
        if self.link is not None and self.record and self.component_id:
            self.link_id = self._find_link_id()
            if not self.link_id:
                raise S3RecordError(str(current.ERROR.BAD_RECORD))

    def _find_link_id(self) -> Any:
        """Id of the record that links the component record to the master record, None if they are not linked."""
        component: Any = self.component
        assert self.record is not None
        table, link = component._table, component.linktable
        keys = current.db(table._id == int(self.component_id))._select(table[component.fkey])
        query = (link[component.lkey] == self.record[component.pkey]) & link[component.rkey].belongs(keys)
        if "deleted" in link.fields:
            query &= link.deleted == False
        row = current.db(query).select(link._id, limitby=(0, 1)).first()
        return row[link._id.name] if row else None

    # -- handlers ----------------------------------------------------------

    def set_handler(
        self,
        method: str | None | Iterable[str | None],
        handler: Handler,
        http: str | Iterable[str] | None = None,
        representation: str | Iterable[str] | None = None,
    ) -> None:
        """Register a handler; a later registration replaces an earlier one.

        Args:
            method: the URL method or methods; None: all that have no handler of their own
            handler: callable(r, **attr), or a class of such callables, one instance for each request
            http: the verb or verbs, default all of GET, PUT, POST, DELETE; others are passed over
            representation: the format or formats; default every one that has no handler of its own
        """
        methods = [method] if method is None or isinstance(method, str) else list(method)
        verbs = HTTP_VERBS if http is None else [http] if isinstance(http, str) else list(http)
        formats = ANY_FORMAT if representation is None else representation
        for verb in verbs:
            if verb not in HTTP_VERBS:
                continue
            for fmt in [formats] if isinstance(formats, str) else formats:
                for key in methods:
                    self._handlers[key, verb, fmt] = handler

    def get_handler(self, method: str | None) -> Handler | None:
        """Find the handler of a method for the verb and format of this request; classes are instantiated."""
        for key in (method, None):
            for fmt in (self.representation, ANY_FORMAT):
                handler = self._handlers.get((key, self.http, fmt))
                if handler is not None:
                    return handler() if isinstance(handler, type) else handler
        return None

    def handled_verbs(self, method: str | None) -> tuple[str, ...]:
        """The verbs that have a handler for a method in this format."""
        return tuple(
            verb
            for verb in HTTP_VERBS
            if any(
                (key, verb, fmt) in self._handlers
                for key in (method, None)
                for fmt in (self.representation, ANY_FORMAT)
            )
        )

    def is_known_format(self) -> bool:
        """Whether anything at all is offered in this format."""
        return any(fmt == self.representation for _, _, fmt in self._handlers)

    def get_custom_method(self) -> Any:
        """The custom method (``s3db.set_method``) that the URL names, or None."""
        if self.method is None:
            return None
        return current.s3db.get_method(
            self.prefix,
            self.name,
            component_name=self.component_name,
            method=self.method,
        )

    # -- execution ------------------------------------------------------------

    def __call__(self, **attr: Any) -> Any:
        """Run prep, handler and postp; give the output for the view.

        Args:
            attr: keywords of the REST controller, passed on to the handler
        """
        return run_request(self, attr)

    def customise_resource(self, tablename: str | None = None) -> None:
        """Run ``settings.customise_<tablename>_resource(r, tablename)`` for a table, default all this request addresses.

        Every call runs the hooks again, so they must be idempotent.
        """
        if tablename:
            tablenames = [tablename]
        else:
            resources = (self.resource, self.component, self.link)
            tablenames = [resource.tablename for resource in resources if resource is not None]
        for name in tablenames:
            current.s3db.table(name)
            hook = current.deployment_settings.customise_resource(name)
            if hook:
                hook(self, name)

    # -- for handlers and hooks --------------------------------------------

    @property
    def viewing(self) -> tuple[str, int] | None:
        """Table and record id of the URL variable ``viewing=<tablename>.<id>``, or None."""
        tablename, _, record_id = str(self.get_vars.get("viewing") or "").partition(".")
        return (tablename, int(record_id)) if tablename and record_id.isdigit() else None

    def target(self) -> tuple[str, str, Table, str]:
        """Prefix, name, table and table name of the component if there is one, else of the master."""
        resource = self.resource if self.component is None else self.component
        return resource.prefix, resource.name, resource.table, resource.tablename

    def factory(self, **kw: Any) -> S3Request:
        """Make another request for the same resource."""
        return type(self)(prefix=self.prefix, name=self.name, **kw)

    def url(
        self,
        id: Any = None,
        component: str | None = None,
        component_id: Any = None,
        target: Any = None,
        method: str | None = None,
        representation: str | None = None,
        vars: dict[str, Any] | str | None = None,
        host: Any = None,
    ) -> str:
        """Give a URL of this resource; None keeps a part as it is, 0 or "" removes it.

        Another record drops the component record, and with it the method unless one is given.

        Args:
            id: record; "[id]", "*" and [] give a placeholder
            component: component alias
            component_id: component record
            target: the record that the page is about: of the component if there is one, else of the master
            method: URL method; "" also removes the target record, which leads to its list
            representation: format; "" is html
            vars: URL variables (dict or JSON text), default those of this request
            host: for an absolute URL, as in web2py's URL
        """
        return build_url(
            self,
            representation=representation,
            vars=vars,
            host=host,
            id=id,
            component=component,
            component_id=component_id,
            target=target,
            method=method,
        )

    def error(self, status: int, message: Any, tree: str | None = None, next: str | None = None, **data: Any) -> NoReturn:
        """End the request with an error: a page for html (or a redirect to ``next``), else JSON."""
        fail_request(status, message, self.representation, next=next, tree=tree, **data)

    def unauthorised(self) -> NoReturn:
        """End the request because the user may not do this: login page, 401 or 403."""
        current.auth.permission.fail()
        raise AssertionError("permission.fail() returned")


def _form_vars(base: Any) -> dict[str, Any]:
    """The variables of a submitted form; any other body is data, which its handler reads.

    Raises:
        S3RequestError: the form is broken
    """
    objection = read_form(base) if base._post_vars is None else current.response.s3.form_error
    if objection:
        raise S3RequestError(objection)
    return base.post_vars or {}


def s3_request(*args: Any, catch_errors: bool = True, **kw: Any) -> S3Request:
    """Make a request; what the client got wrong ends it with a clear error.

    Args:
        catch_errors: False: pass the exceptions of the constructor on

    Raises:
        HTTP: 404 for a record that is not there (or not for this user), 400 for a wrong component or filter
    """
    if not catch_errors:
        return S3Request(*args, **kw)
    try:
        return S3Request(*args, **kw)
    except REQUEST_ERRORS as exc:
        fail_request(status_of(exc), str(exc), s3_get_extension())
